"""Snapshots and statuses in small, for the tests of the UI."""

from collections.abc import Sequence
from uuid import UUID

from telemetry_schema import (
    AckLatency,
    AppliedLedger,
    Bars,
    BatchSizes,
    BestQuote,
    BookState,
    BotMoney,
    BotsState,
    BotState,
    DeskCommand,
    DeskState,
    FeedState,
    IngestStatus,
    MessageLedger,
    OrderLife,
    OrderMoment,
    OrderSummary,
    Position,
    RejectCount,
    Snapshot,
    SourceSkew,
    SourceState,
    StageLatency,
    SymbolSummary,
    TapeTrade,
    VenueAcks,
    WindowName,
    WindowStats,
)
from ui.instant import Instant
from ui.page.model.registry import OrderRegistry
from ui.page.model.view import PageModel, PageView
from ui.wire import CommandUpdate, CommandView, Condition, PageState, Problem

NOW_NS = 1_700_000_000_000_000_000
S_NS = 1_000_000_000
WINDOWS: tuple[WindowName, ...] = ("10s", "1m", "5m", "1h")


def at(ns: int) -> Instant:
    """A moment at which both clocks show the same."""
    return Instant(ns, ns)


def bars(symbol: str = "BTC-USD", *, first: int = 1_699_999_940, count: int = 60) -> Bars:
    seconds = list(range(first, first + count))
    prices = [60_000.0 + i for i in range(count)]
    return Bars(
        symbol=symbol,
        second=seconds,
        open=prices,
        high=[price + 1 for price in prices],
        low=[price - 1 for price in prices],
        close=prices,
        buy_volume=[1.0] * count,
        sell_volume=[0.5] * count,
    )


def window(*, trades: int = 60) -> WindowStats:
    return WindowStats(
        trades=trades,
        buy_volume=3.0,
        sell_volume=1.0,
        vwap=60_010.0,
        qty_mean=0.1,
        qty_std=0.01,
        qty_max=0.5,
        imbalance_ratio=0.5,
        open=60_000.0,
        high=60_100.0,
        low=59_900.0,
        close=60_060.0,
    )


def summary(symbol: str = "BTC-USD", *, last_price: float = 60_060.0) -> SymbolSummary:
    return SymbolSummary(
        symbol=symbol,
        last_price=last_price,
        last_trade_ns=NOW_NS,
        trades=1_234,
        buy_volume=30.0,
        sell_volume=10.0,
        windows={name: window() for name in WINDOWS},
    )


def tape_trade(symbol: str = "BTC-USD", *, source: str = "sim") -> TapeTrade:
    return TapeTrade(
        symbol=symbol, source=source, side="buy", qty=0.25, price=60_060.0, event_ns=NOW_NS, applied_ns=NOW_NS
    )


def snapshot(
    version: int = 1,
    *,
    run: str = "a",
    at_ns: int = NOW_NS,
    clock_ns: int | None = None,
    symbols: Sequence[str] = ("BTC-USD", "ETH-USD"),
    applied: int = 100,
    lost: int = 0,
    history: Bars | None = None,
) -> Snapshot:
    latency = StageLatency(count=100, p50_ns=890_000, p90_ns=2_000_000, p99_ns=5_000_000, max_ns=9_000_000)
    return Snapshot(
        version=version,
        run=run,
        at_ns=at_ns,
        clock_ns=at_ns if clock_ns is None else clock_ns,
        symbols=[summary(symbol) for symbol in symbols],
        last_trades=[tape_trade(symbol) for symbol in symbols],
        recent_bars=[bars(symbol) for symbol in symbols],
        history=history,
        latencies={"feed": latency, "wire": latency, "process": latency, "end_to_end": latency},
        skews=[SourceSkew(source="sim", skew_ns=-1_500_000)],
        ledger=AppliedLedger(batches=50, refused_batches=0, applied=applied, duplicate=0, lost=lost, late=0),
    )


def quoted(version: int = 1, *, bid: float, ask: float, age_ns: int = 0) -> Snapshot:
    """A snapshot in which somebody quotes BTC-USD, and nobody ETH-USD."""
    made = snapshot(version)
    first, *rest = made.symbols
    quote = BestQuote(bid=bid, ask=ask, event_ns=made.at_ns - age_ns)
    return made.model_copy(update={"symbols": [first.model_copy(update={"quote": quote}), *rest]})


def feed_state(**changes: object) -> FeedState:
    return FeedState(name="sim", state="live", trades=100, last_trade_ns=NOW_NS).model_copy(update=changes)


def desk(*, kill_switch: bool = False, positions: Sequence[Position] = ()) -> DeskState:
    return DeskState(
        account="paper",
        kill_switch=kill_switch,
        max_qty=100.0,
        max_notional=250_000.0,
        price_band_ratio=0.05,
        max_commands_per_s=10.0,
        symbols=["BTC-USD", "ETH-USD"],
        positions=list(positions),
    )


def position(symbol: str = "BTC-USD", *, qty: float = 0.5) -> Position:
    return Position(symbol=symbol, qty=qty, average_price=60_000.0, last_price=60_100.0, realised=-3.0, unrealised=50.0)


def status(
    version: int = 1,
    *,
    stream: str = "s",
    at_ns: int = NOW_NS,
    feeds: Sequence[FeedState] | None = None,
    desk_state: DeskState | None = None,
    unapplied: int = 0,
    refused: int = 0,
) -> IngestStatus:
    return IngestStatus(
        version=version,
        stream=stream,
        at_ns=at_ns,
        ledger=MessageLedger(received=100 + refused, accepted=100, refused=refused, duplicate=0, ignored=0),
        refused={"not_json": refused} if refused else {},
        accepted_trades=100,
        unapplied_trades=unapplied,
        batch_sizes=BatchSizes(batches=50, trades=100, largest=7),
        feeds=[feed_state()] if feeds is None else list(feeds),
        sources=[SourceState(source="sim", trades=100, lost=0, duplicate=0, last_trade_ns=at_ns)],
        desk=desk_state or desk(),
    )


def bot(source: str = "bot-1", strategy: str = "maker", **changes: object) -> BotState:
    """A bot that does well, with a book in dollars."""
    made = BotState(
        source=source,
        account=source,
        strategy=strategy,
        last_ns=NOW_NS,
        events_per_s=2.0,
        recent_orders=100,
        recent_rejects=1,
        open_orders=1,
        oldest_open_ns=NOW_NS - 5 * S_NS,
        ack=AckLatency(count=99, p50_ns=4_000_000, p99_ns=20_000_000),
        skew_ns=300_000,
        money=[BotMoney(currency="USD", realised=12.5, unrealised=-3.0, fees=0.4, slippage_bps=1.25)],
    )
    return made.model_copy(update=changes)


def book(
    account: str = "bot-1", strategy: str = "maker", symbol: str = "BTC-USD", *, qty: float = 0.2, **changes: object
) -> BookState:
    made = BookState(
        account=account,
        strategy=strategy,
        symbol=symbol,
        currency="USD",
        qty=qty,
        average_price=61_000.0,
        mark=60_985.0,
        mark_age_ns=250_000_000,
        realised=12.5,
        unrealised=-3.0,
        fees=0.4,
    )
    return made.model_copy(update=changes)


def order(order_id: str = "o-1", account: str = "bot-1", **changes: object) -> OrderSummary:
    """An open order that is filled in part."""
    made = OrderSummary(
        account=account,
        order_id=order_id,
        source=account,
        strategy="maker",
        venue="sim",
        symbol="BTC-USD",
        side="buy",
        order_type="limit",
        state="open",
        qty=0.5,
        price=61_000.0,
        filled_qty=0.2,
        average_price=60_999.5,
        began_ns=NOW_NS - 5 * S_NS,
        touched_ns=NOW_NS,
    )
    return made.model_copy(update=changes)


def moment(event: str, after_ms: float = 0.0, **changes: object) -> OrderMoment:
    """An event by the bot's clock, so long after the submit."""
    at_ns = NOW_NS + round(after_ms * 1e6)
    fields = {"event": event, "outcome": "applied", "source": "bot-1", "event_ns": at_ns, "clock": "bot"}
    return OrderMoment.model_validate({**fields, "sent_ns": at_ns, "received_ns": at_ns + 50_000, **changes})


def life(order_id: str = "o-1", *moments: OrderMoment, account: str = "bot-1", left_out: int = 0) -> OrderLife:
    return OrderLife(account=account, order_id=order_id, moments=list(moments), left_out=left_out)


def bots_state(
    *bots: BotState,
    books: Sequence[BookState] = (),
    open_orders: Sequence[OrderSummary] = (),
    ended_orders: Sequence[OrderSummary] = (),
    lives: Sequence[OrderLife] = (),
    at_ns: int = NOW_NS,
    **changes: object,
) -> BotsState:
    ack = AckLatency(count=99, p50_ns=4_000_000, p99_ns=20_000_000)
    reject = RejectCount(account="bot-1", strategy="maker", venue="sim", kind="order", reason="min_size", count=3)
    made = BotsState(
        run="a",
        at_ns=at_ns,
        bots=list(bots),
        bots_in_all=len(bots),
        books=list(books),
        books_in_all=len(books),
        mismatches=[],
        venues=[VenueAcks(account="bot-1", venue="sim", ack=ack)] if bots else [],
        rejects=[reject] if bots else [],
        open_orders=list(open_orders),
        open_in_all=len(open_orders),
        ended_orders=list(ended_orders),
        ended_in_all=len(ended_orders),
        lives=list(lives),
    )
    return made.model_copy(update=changes)


def page_state(
    *, problems: Sequence[Problem] = (), confirm_notional: float = 50_000.0, condition: Condition = "live"
) -> PageState:
    return PageState(
        at_ns=NOW_NS,
        problems=list(problems),
        condition=condition,
        analytics_silence_ns=0,
        ingest_silence_ns=0,
        started_ns=NOW_NS - 3_600 * S_NS,
        confirm_notional=confirm_notional,
        ask_price_age_s=30.0,
        source="ui",
        page_starts=1,
    )


class FakeLink:
    """A page's world without processes: the view is given, what is submitted is kept."""

    def __init__(self) -> None:
        self.model = PageModel()
        self.submitted: list[DeskCommand] = []
        self.time_ns = NOW_NS
        self.is_full = False
        self.orders = OrderRegistry()

    @property
    def view(self) -> PageView:
        return self.model.view

    def submit(self, command: DeskCommand) -> bool:
        if not self.is_full:
            self.submitted.append(command)
        return not self.is_full

    def wait_for(self, command_ids: Sequence[UUID], timeout_s: float) -> None:
        """Returns at once: what is answered is said by `answer`."""

    def now_ns(self) -> int:
        return self.time_ns

    def now(self) -> Instant:
        return at(self.time_ns)

    def live(self) -> "FakeLink":
        """Everything is there and well."""
        for message in (snapshot(), status(), page_state()):
            self.model.apply(message, self.now())
        return self

    def answer(self, command_id: UUID, **changes: object) -> None:
        """Reports the outcome of a command."""
        view = CommandView(command_id=command_id, kind="trade", sent_ns=NOW_NS).model_copy(update=changes)
        self.model.apply(CommandUpdate(commands=[view]), self.now())
