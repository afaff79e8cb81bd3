"""The paper desk: checks commands of the UI against limits and fills them at the last price. Pure.

A market order fills at the last live price of its symbol, a limit order at its own price, whole and at once: it is an
exercise, not a market model. A limit order that asks to rest (`tif` gtc) fills at the last price if that is as good as
its own; else it rests, see `open_orders`. Nothing leaves the desk but trades of the paper account, and what happened.

Intervals are in monotonic time. Wall time only says how long a command was on its way, by its sender's clock.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ingest.checking.chunks import Chunk
from ingest.desk.history import AnsweredCommands
from ingest.desk.last_prices import LastPrices
from ingest.desk.limits import DeskLimits, Rejection
from ingest.desk.open_orders import MAX_OPEN_ORDERS, OpenOrders, RestingOrder
from ingest.desk.order_events import order_events, update_events
from ingest.desk.outcome import Decision, DeskOutcome, OrderUpdate, PaperTrade
from ingest.desk.positions import Book
from ingest.desk.profit_curve import ProfitCurve
from telemetry_schema import (
    CancelAll,
    CancelOrder,
    CommandResult,
    DeskCommand,
    DeskState,
    KillSwitch,
    OpenOrder,
    TradeCommand,
)

MAX_ANSWERS = 10_000
"""Answers that are remembered, so that a repeated command is answered and not filled again."""

_SHOWN_SYMBOLS = 500
_SHOWN_ORDERS = 200
_SECOND_NS = 1_000_000_000


_UNKNOWN_ORDER = Rejection("unknown_order", "No such order rests: it was filled or cancelled, or never rested.")
_KILL_SWITCH = Rejection("kill_switch", "The kill switch is engaged: release it to trade.")


class Desk:
    """The desk, its kill switch and its account."""

    def __init__(self, limits: DeskLimits, *, account: str, kill_switch: bool = False) -> None:
        self._limits = limits
        self._account = account
        self._kill_switch = kill_switch
        self.last_prices = LastPrices()
        # Apart, so that a flood of refused commands cannot push a fill's answer out.
        self._answers: OrderedDict[UUID, CommandResult] = OrderedDict()
        self._refusals: OrderedDict[UUID, CommandResult] = OrderedDict()
        self._recent_ns: deque[int] = deque()
        self.open_orders = OpenOrders(by_volume=limits.partial_fills, max_age_s=limits.max_price_age_s)
        self.book = Book()
        self.history = AnsweredCommands()
        self.profit_curve = ProfitCurve()
        self.changes = 0

    @property
    def kill_switch(self) -> bool:
        """Whether every command is refused."""
        return self._kill_switch

    def young_answers(self) -> list[CommandResult]:
        """The answers to fills that might still be asked for again, oldest first: later the age limit refuses them."""
        answers = list(self._answers.values())
        oldest_ns = answers[-1].received_ns - 2 * round(self._limits.max_age_s * _SECOND_NS) if answers else 0
        return [answer for answer in answers if answer.received_ns >= oldest_ns]

    def restore(
        self,
        *,
        holdings: Mapping[str, tuple[float, float, float]],
        kill_switch: bool,
        answers: Iterable[CommandResult],
    ) -> None:
        """Restores the state of an earlier process. A kill switch that the settings engage stays engaged."""
        self.book.restore(holdings)
        self._kill_switch = self._kill_switch or kill_switch
        self._answers.update((answer.command_id, answer) for answer in answers)

    def execute(
        self, commands: Sequence[DeskCommand], now_ns: int, monotonic_ns: int, *, after: Sequence[Chunk] = ()
    ) -> DeskOutcome:
        """Decides about the commands of a burst, one after the other; `after` are the trades that came before them."""
        outcome = DeskOutcome()
        if self._kill_switch and self.open_orders:
            # It was engaged by a setting, or because the desk's state could not be read.
            self._note_updates(outcome, self._cancelled(self.open_orders.all(), now_ns, by=None))
        for order, qty in self.open_orders.crossings(after, now_ns, monotonic_ns):
            self._note_updates(outcome, [self._filled_by_market(order, qty, now_ns)])
        for command in commands:
            decision = self.decide(command, now_ns, monotonic_ns)
            outcome.add(command, decision)
            if isinstance(command, TradeCommand):
                outcome.events += order_events(command, decision, account=self._account, now_ns=now_ns)
            self._note_updates(outcome, decision.updates)
        return outcome

    def _note_updates(self, outcome: DeskOutcome, updates: Sequence[OrderUpdate]) -> None:
        for update in updates:
            outcome.updates.append(update)
            outcome.events += update_events(update, account=self._account)
            if update.order.order_id in self._answers:
                self._answers[update.order.order_id] = update.result
            self.changes += 1

    def _filled_by_market(self, order: RestingOrder, qty: float, now_ns: int) -> OrderUpdate:
        after, command = order.filled_by(qty), order.command
        self.open_orders.update(after)
        self.book.fill(command.symbol, command.side, qty, order.price)
        trade_id = str(order.order_id) if order.fills == 0 else f"{order.order_id}/{after.fills}"
        fill = self._paper_trade(command, qty, order.price, now_ns, now_ns, trade_id)
        return OrderUpdate.of(after, "accepted" if after.is_filled else "resting", now_ns, fill=fill)

    def _cancelled(
        self, orders: Sequence[RestingOrder], now_ns: int, *, by: CancelOrder | CancelAll | None
    ) -> list[OrderUpdate]:
        for order in orders:
            self.open_orders.remove(order)
        return [OrderUpdate.of(order, "cancelled", now_ns, cancelled_by=by) for order in orders]

    def decide(self, command: DeskCommand, now_ns: int, monotonic_ns: int) -> Decision:
        """Answers a command. Idempotent: one whose id was answered before gets the same answer, and nothing happens."""
        earlier = self._answers.get(command.command_id) or self._refusals.get(command.command_id)
        if earlier is not None:
            return Decision(earlier, "duplicate")
        match command:
            case KillSwitch():
                decision = self._switch(command, now_ns, monotonic_ns)
            case CancelOrder() | CancelAll():
                decision = self._cancel(command, now_ns, monotonic_ns)
            case _:
                decision = self._trade(command, now_ns, monotonic_ns)
        answers = self._refusals if decision.outcome == "refused" else self._answers
        answers[command.command_id] = decision.result
        if len(answers) > MAX_ANSWERS:
            answers.popitem(last=False)
        if decision.outcome == "accepted":
            self.changes += 1
        return decision

    def _switch(self, command: KillSwitch, now_ns: int, monotonic_ns: int) -> Decision:
        # Whatever comes before it, the message that engages is obeyed. All others are limited, as each is kept.
        if not command.engaged or self._kill_switch:
            rejection = None if command.engaged else self._limits.age_rejection(command, now_ns)
            if rejection := rejection or self._rate_rejection(monotonic_ns):
                return _refused(command, rejection, now_ns)
        self._kill_switch = command.engaged
        cancelled = self._cancelled(self.open_orders.all(), now_ns, by=None) if command.engaged else []
        return Decision(_done(command, now_ns), "accepted", updates=cancelled)

    def _cancel(self, command: CancelOrder | CancelAll, now_ns: int, monotonic_ns: int) -> Decision:
        if isinstance(command, CancelAll):
            found = self.open_orders.all(command.symbol)
        else:
            order = self.open_orders.find(command.order_id)
            found = [] if order is None else [order]
        # What takes risk away is never too late and never too much: only one without effect is limited, as it is kept.
        if not found and (rejection := self._rate_rejection(monotonic_ns)):
            return _refused(command, rejection, now_ns)
        if not found and isinstance(command, CancelOrder):
            return _refused(command, _UNKNOWN_ORDER, now_ns)
        return Decision(_done(command, now_ns), "accepted", updates=self._cancelled(found, now_ns, by=command))

    def _trade(self, command: TradeCommand, now_ns: int, monotonic_ns: int) -> Decision:
        last = self.last_prices.read().get(command.symbol)
        if self._kill_switch:
            return _refused(command, _KILL_SWITCH, now_ns)
        if last is None:
            text = f"No live price of {command.symbol} has come yet: choose one that trades."
            return _refused(command, Rejection("unknown_symbol", text), now_ns)
        rejection = (
            self._limits.age_rejection(command, now_ns)
            or self._limits.price_rejection(command, last, monotonic_ns)
            or self._limits.size_rejection(command, last.price)
            or self._open_orders_rejection(command, last.price)
            or self._rate_rejection(monotonic_ns)
        )
        if rejection:
            return _refused(command, rejection, now_ns)
        if _rests(command, last.price) and command.price is not None:
            return self._rest(command, command.price, now_ns, monotonic_ns)
        return self._filled(command, last.price, now_ns)

    def _open_orders_rejection(self, command: TradeCommand, last: float) -> Rejection | None:
        limit = self._limits.max_open_orders
        if not _rests(command, last):
            return None
        if self.open_orders.sources[command.source] >= limit:
            return Rejection("max_open_orders", f"{limit:,} orders of {command.source} rest already: cancel one.")
        if len(self.open_orders) >= MAX_OPEN_ORDERS:
            return Rejection("max_open_orders", f"{MAX_OPEN_ORDERS:,} orders rest already: cancel some.")
        return None

    def _rest(self, command: TradeCommand, price: float, now_ns: int, monotonic_ns: int) -> Decision:
        order = self.open_orders.add(command, price, now_ns, monotonic_ns)
        return Decision(OrderUpdate.of(order, "resting", now_ns).result, "accepted")

    def _filled(self, command: TradeCommand, last: float, now_ns: int) -> Decision:
        price = last if command.price is None or command.tif == "gtc" else command.price
        self.book.fill(command.symbol, command.side, command.qty, price)
        fill = self._paper_trade(command, command.qty, price, now_ns, command.sent_ns, str(command.command_id))
        result = CommandResult(command_id=command.command_id, status="accepted", price=price, received_ns=now_ns)
        return Decision(result, "accepted", fill=fill)

    def _paper_trade(
        self, command: TradeCommand, qty: float, price: float, event_ns: int, sent_ns: int, trade_id: str
    ) -> PaperTrade:
        return PaperTrade(
            source=command.source,
            symbol=command.symbol,
            side=command.side,
            qty=qty,
            price=price,
            event_ns=event_ns,
            sent_ns=sent_ns,
            account=self._account,
            id=trade_id,
        )

    def _rate_rejection(self, monotonic_ns: int) -> Rejection | None:
        recent, limit = self._recent_ns, self._limits.max_commands_per_s
        while recent and recent[0] <= monotonic_ns - _SECOND_NS:
            recent.popleft()
        if len(recent) >= limit:
            return Rejection("rate", f"More than {limit:g} commands in a second: wait a moment.")
        recent.append(monotonic_ns)
        return None

    def state(self) -> DeskState:
        """The desk as the UI shows it."""
        last_prices = {symbol: last.price for symbol, last in self.last_prices.read().items()}
        return DeskState(
            account=self._account,
            kill_switch=self._kill_switch,
            max_qty=self._limits.max_qty,
            max_notional=self._limits.max_notional,
            price_band_ratio=self._limits.price_band_ratio,
            max_commands_per_s=self._limits.max_commands_per_s,
            symbols=sorted(last_prices)[:_SHOWN_SYMBOLS],
            positions=self.book.positions(last_prices),
            open_orders=[_as_shown(order) for order in self.open_orders.all()[:_SHOWN_ORDERS]],
            open_orders_in_all=len(self.open_orders),
            max_open_orders=self._limits.max_open_orders,
        )


def _rests(command: TradeCommand, last: float) -> bool:
    """Whether an order waits for its price: the last one is not as good."""
    if command.tif is None or command.price is None:
        return False
    return command.price < last if command.side == "buy" else command.price > last


def _as_shown(order: RestingOrder) -> OpenOrder:
    return OpenOrder(
        command_id=order.order_id,
        source=order.command.source,
        symbol=order.command.symbol,
        side=order.command.side,
        qty=order.command.qty,
        filled_qty=order.filled_qty,
        price=order.price,
        received_ns=order.received_ns,
    )


def _done(command: DeskCommand, now_ns: int) -> CommandResult:
    return CommandResult(command_id=command.command_id, status="accepted", received_ns=now_ns)


def _refused(command: DeskCommand, rejection: Rejection, now_ns: int) -> Decision:
    result = CommandResult(
        command_id=command.command_id,
        status="refused",
        code=rejection.code,
        reason=rejection.text,
        received_ns=now_ns,
    )
    return Decision(result, "refused", rejection.code)
