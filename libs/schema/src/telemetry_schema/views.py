"""What the services report to the UI about themselves: analytics' `Snapshot` and ingest's `IngestStatus`.

Numbers that do not exist (an average of nothing) are None, as JSON has no NaN.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from telemetry_schema.bot_views import BotsState
from telemetry_schema.fields import (
    Account,
    Base,
    Batches,
    CommandId,
    Count,
    EpochNs,
    Messages,
    Money,
    Origin,
    Price,
    Qty,
    QuotePrice,
    Rows,
    Source,
    SpanNs,
    Symbol,
    TakerSide,
    Trades,
    Version,
)
from telemetry_schema.messages import CommandResult, DeskCommand, Message

WindowName = Literal["10s", "1m", "5m", "1h"]
WINDOW_SETTLE_NS: Final = 200_000_000
"""Windows are of whole seconds. Trades of one are still on their way when it is over: it counts this much later."""
Stage = Literal["feed", "wire", "process", "end_to_end"]


class WindowStats(Message):
    """One symbol over one window. Volumes and quantities in base, prices in quote per base."""

    trades: Trades
    buy_volume: Base
    sell_volume: Base
    vwap: QuotePrice | None = None
    qty_mean: Base | None = None
    qty_std: Base | None = None
    qty_max: Base | None = None
    imbalance_ratio: float | None = Field(default=None, description="(buy - sell) / (buy + sell) volume, from -1 to 1.")
    open: QuotePrice | None = None
    high: QuotePrice | None = None
    low: QuotePrice | None = None
    close: QuotePrice | None = None


class BestQuote(Message):
    """Best bid and ask of a symbol, the newest that a client or a feed reported."""

    bid: QuotePrice
    ask: QuotePrice
    event_ns: EpochNs = Field(description="When it was so; not after it was received.")


class SymbolSummary(Message):
    """One symbol now: totals since start and its windows, of the market's trades or of our own."""

    symbol: Symbol
    last_price: Price
    last_trade_ns: EpochNs
    trades: Trades
    buy_volume: Base
    sell_volume: Base
    windows: dict[WindowName, WindowStats]
    clock_ns: EpochNs | None = Field(
        default=None,
        description="Its event clock: wall time, or the newest event of its recording. Windows end with whole seconds.",
    )
    quote: BestQuote | None = Field(default=None, description="None of our own trades, and where nobody sends quotes.")


class TapeTrade(Message):
    """One row of the tape."""

    symbol: Symbol
    source: Source
    side: TakerSide
    qty: Qty
    price: Price
    event_ns: EpochNs
    applied_ns: EpochNs
    account: Account | None = None


class Bars(Message):
    """Seconds of one symbol in columns of one length, oldest first; seconds without a trade are left out."""

    symbol: Symbol
    second: Rows[int] = Field(description="UTC epoch seconds.")
    open: Rows[QuotePrice]
    high: Rows[QuotePrice]
    low: Rows[QuotePrice]
    close: Rows[QuotePrice]
    buy_volume: Rows[Base]
    sell_volume: Rows[Base]

    @model_validator(mode="after")
    def _columns_have_one_length(self) -> Self:
        columns = (self.open, self.high, self.low, self.close, self.buy_volume, self.sell_volume)
        if any(len(column) != len(self.second) for column in columns):
            msg = f"columns differ in length: {[len(self.second), *map(len, columns)]}"
            raise ValueError(msg)
        return self


class StageLatency(Message):
    """Latency of one stage over the last minute, in nanoseconds; None where nothing was measured."""

    count: Count = Field(description="Trades that were measured.")
    p50_ns: SpanNs | None = None
    p90_ns: SpanNs | None = None
    p99_ns: SpanNs | None = None
    max_ns: SpanNs | None = None


class SourceSkew(Message):
    """The running minimum of received - event of a source: negative where its clock is ahead of ours."""

    source: Source
    skew_ns: SpanNs


class AppliedLedger(Message):
    """What analytics has done with what it got, in trades, except `batches` and `refused_batches`."""

    batches: Batches
    refused_batches: Batches
    applied: Trades
    duplicate: Trades
    lost: Trades
    late: Trades


class Snapshot(Message):
    """The state of analytics, several times a second, from analytics to the UI.

    `recent_bars` holds the last seconds of every symbol, `history` the last minutes of one symbol, in turn. All but the
    fields that begin with `own` are about the market's trades.
    """

    type: Literal["snapshot"] = "snapshot"
    version: Version
    run: str = Field(description="New at each start of analytics: versions and counters start again with it.")
    at_ns: EpochNs
    started_ns: EpochNs | None = Field(
        default=None, description="Since when trades are counted: a window reaches back no further."
    )
    clock_ns: EpochNs = Field(description="The event clock: wall time, or the newest event of a replay.")
    symbols: Rows[SymbolSummary] = Field(description="The busiest ones, most trades first.")
    symbols_in_all: Count = Field(default=0, description="Symbols that have traded; not all need be in `symbols`.")
    own: Rows[SymbolSummary] = Field(default_factory=list, description="Our own trades, those with an account.")
    last_trades: Rows[TapeTrade] = Field(description="Newest first.")
    own_last_trades: Rows[TapeTrade] = Field(default_factory=list, description="Of our own trades, newest first.")
    recent_bars: Rows[Bars]
    history: Bars | None = None
    latencies: dict[Stage, StageLatency]
    skews: Rows[SourceSkew]
    ledger: AppliedLedger
    log_lines_lost: Count = Field(default=0, description="Lines that the log of the service could not take.")


class FeedState(Message):
    """One feed of ingest."""

    name: str = Field(description="Source of its trades.")
    state: Literal["starting", "live", "waiting", "finished", "failed"] = Field(
        description="`waiting` is for the venue, before the next attempt to connect."
    )
    detail: str | None = Field(default=None, description="For a person: what it waits for.")
    trades: Trades
    last_trade_ns: EpochNs | None = Field(default=None, description="Received, by ingest's clock.")


class SourceState(Message):
    """One source seen by ingest."""

    source: Source
    trades: Trades
    lost: Trades
    duplicate: Trades
    conflicts: Count = Field(default=0, description="Of the duplicates, those whose numbers another sender has used.")
    last_trade_ns: EpochNs
    unfinished_runs: Count = Field(default=0, description="Runs that went silent without their end.")


class BotSourceState(Message):
    """What one source sent about orders, of all kinds (order, quote, position, rate_limit), as ingest counts it."""

    source: Source
    accepted: Messages
    lost: Messages = Field(description="Missing by its own numbers.")
    duplicate: Messages
    last_ns: EpochNs = Field(description="When its last message was received.")


class SourceRefusals(Message):
    """Refused messages of one source by reason; `source` is empty where none could be read."""

    source: str = Field(description="Who sent them; empty where it could not be read.")
    reasons: dict[str, Messages]


class Position(Message):
    """One symbol of the paper account. Profit is in quote currency, at average cost."""

    symbol: Symbol
    qty: float = Field(description="Units of base; negative is short.")
    average_price: QuotePrice | None = None
    last_price: QuotePrice | None = None
    realised: Money
    unrealised: Money


class OpenOrder(Message):
    """One order that rests at the paper desk."""

    command_id: CommandId
    source: Source
    symbol: Symbol
    side: TakerSide
    qty: Qty
    filled_qty: Base
    price: Price
    received_ns: EpochNs = Field(description="Since when it rests.")


class DeskState(Message):
    """The paper desk: its limits, its kill switch and its account."""

    account: str = Field(description="The account that commands trade for.")
    kill_switch: bool = Field(description="Whether it is engaged: then all commands are refused.")
    max_qty: Base
    max_notional: Money
    price_band_ratio: float = Field(description="How far a price may be from the last one; 0.05 is 5 %.")
    max_commands_per_s: float = Field(description="Commands per second.")
    symbols: Rows[Symbol] = Field(description="Symbols with a last price: what can be traded.")
    positions: Rows[Position]
    open_orders: Rows[OpenOrder] = Field(default_factory=list, description="Oldest first; not all need be here.")
    open_orders_in_all: Count = Field(default=0, description="Orders that rest; not all need be in `open_orders`.")
    max_open_orders: Count = Field(default=0, description="How many one source may have.")


class MessageLedger(Message):
    """Messages at ingest: received = accepted + refused + duplicate + ignored, always."""

    received: Messages
    accepted: Messages
    refused: Messages
    duplicate: Messages
    ignored: Messages


class BatchSizes(Message):
    """Batches to analytics since the start, their trades, and the largest one."""

    batches: Batches
    trades: Trades
    largest: Trades


class IngestStatus(Message):
    """The state of ingest, several times a second, from ingest to the UI."""

    type: Literal["status"] = "status"
    version: Version
    stream: str = Field(description="This ingest run; counters start again with it.")
    at_ns: EpochNs
    ledger: MessageLedger
    refused: dict[str, Messages] = Field(description="Refused messages by reason.")
    accepted_trades: Trades
    unapplied_trades: Trades | None = Field(
        default=None, description="Accepted, but not reported applied; None before any report."
    )
    analytics_heard_ns: EpochNs | None = Field(
        default=None, description="When analytics reported last; None before any report."
    )
    batch_sizes: BatchSizes
    feeds: Rows[FeedState]
    sources: Rows[SourceState]
    bots: Rows[BotSourceState] = Field(default_factory=list, description="Sources of messages about orders.")
    refusals: Rows[SourceRefusals] = Field(default_factory=list, description="Who was refused, and why.")
    desk: DeskState | None = None
    log_lines_lost: Count = Field(default=0, description="Lines that the log of the service could not take.")


class StudyState(Message):
    """How one study does."""

    name: str = Field(description="The study's function.")
    is_builtin: bool = Field(description="It is of the microstructure set.")
    every_ns: SpanNs
    runs: Count = Field(description="Runs since the start.")
    skipped: Count = Field(description="Runs that were left out: the worker was busy.")
    failures: Count = Field(description="Runs that gave no values.")
    mean_s: float = Field(ge=0, description="Mean time of a run, in seconds.")
    slowest_s: float = Field(ge=0, description="Longest run, in seconds.")
    disabled: bool = Field(description="It has failed too often, and was given up.")
    failure: str | None = Field(default=None, max_length=1_000, description="Why its last run failed, if it did.")


class StudyValues(Message):
    """The newest values that studies found for one symbol, by gauge, with its label in braces: `bar_close{1m}`."""

    symbol: str = Field(description="The symbol; of several at once all of them, joined by a plus.")
    origin: Origin = Field(description="Whose trades: the market's or our own.")
    values: dict[str, float] = Field(description="By gauge.")


class StudiesState(Message):
    """What the studies find and how they do, every few seconds, from analytics to the UI."""

    type: Literal["studies"] = "studies"
    run: str = Field(description="New at each start of analytics.")
    at_ns: EpochNs
    worker_starts: Count = Field(description="Times the studies' worker was started.")
    studies: Rows[StudyState] = Field(description="All that could be loaded.")
    values: Rows[StudyValues] = Field(description="Of the symbols that traded last; not all need be here.")
    problems: Rows[str] = Field(description="Files and modules that could not be loaded: where, and why.")


class AnsweredCommand(Message):
    """A command and how far it has come."""

    command: Annotated[DeskCommand, Field(discriminator="type", description="As it was sent.")]
    result: CommandResult


class CommandHistory(Message):
    """The last commands of the desk, every few seconds, from ingest to the UI: a restarted UI shows them again.

    Without a new command or answer it is the same, byte for byte.
    """

    type: Literal["command_history"] = "command_history"
    commands: Rows[AnsweredCommand] = Field(description="In the order in which they were received.")


class ProfitHistory(Message):
    """The paper account's profit over the last hour, every few seconds, from ingest to the UI: a restarted UI shows it.

    Columns of one length, oldest first.
    """

    type: Literal["profit_history"] = "profit_history"
    second: Rows[int] = Field(description="UTC epoch seconds.")
    profit: Rows[Money] = Field(description="Realised and unrealised.")

    @model_validator(mode="after")
    def _columns_have_one_length(self) -> Self:
        if len(self.second) != len(self.profit):
            msg = f"columns differ in length: {[len(self.second), len(self.profit)]}"
            raise ValueError(msg)
        return self


AnyUiMessage = Snapshot | IngestStatus | StudiesState | BotsState | CommandHistory | ProfitHistory | CommandResult

UiMessage = Annotated[AnyUiMessage, Field(discriminator="type")]
"""What the UI accepts on its PULL socket."""
