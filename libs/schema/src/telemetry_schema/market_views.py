"""What analytics shows the UI of the market: its `Snapshot`, several times a second.

Numbers that do not exist (an average of nothing) are None, as JSON has no NaN.
"""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from telemetry_schema.fields import (
    Account,
    Base,
    Batches,
    Count,
    EpochNs,
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
from telemetry_schema.messages import Message

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
