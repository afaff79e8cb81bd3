"""What the services tell the UI about themselves: analytics' `Snapshot` and ingest's `IngestStatus`.

Numbers that do not exist (an average of nothing) are None, as JSON has no NaN.
"""

from typing import Annotated, Literal

from pydantic import Field

from telemetry_schema.fields import Count, EpochNs, Price, Qty, Side, Source, Symbol
from telemetry_schema.messages import CommandResult, Message

WindowName = Literal["10s", "1m", "5m", "1h"]
Stage = Literal["feed", "wire", "process", "end_to_end"]


class WindowStats(Message):
    """One symbol over one window. Volumes and quantities in base, prices in quote per base."""

    trades: Count
    buy_volume: float
    sell_volume: float
    vwap: float | None = None
    qty_mean: float | None = None
    qty_std: float | None = None
    qty_max: float | None = None
    imbalance_ratio: float | None = Field(default=None, description="(buy - sell) / (buy + sell) volume, from -1 to 1.")
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None


class SymbolSummary(Message):
    """One symbol now: totals since start and its windows."""

    symbol: Symbol
    last_price: Price
    last_trade_ns: EpochNs
    trades: Count
    buy_volume: float
    sell_volume: float
    windows: dict[WindowName, WindowStats]


class TapeTrade(Message):
    """One row of the tape."""

    symbol: Symbol
    source: Source
    side: Side
    qty: Qty
    price: Price
    event_ns: EpochNs
    applied_ns: EpochNs


class Bars(Message):
    """Seconds of one symbol in columns of one length, oldest first; seconds without a trade are left out."""

    symbol: Symbol
    second: list[int] = Field(description="UTC epoch seconds.")
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    buy_volume: list[float]
    sell_volume: list[float]


class StageLatency(Message):
    """Latency of one stage over the last minute, in nanoseconds; None where nothing was measured."""

    count: Count
    p50_ns: int | None = None
    p90_ns: int | None = None
    p99_ns: int | None = None
    max_ns: int | None = None


class SourceSkew(Message):
    """The running minimum of received - event of a source: negative where its clock is ahead of ours."""

    source: Source
    skew_ns: int


class AppliedLedger(Message):
    """What analytics has done with what it got, in trades, except `batches` and `refused_batches`."""

    batches: Count
    refused_batches: Count
    applied: Count
    duplicate: Count
    lost: Count
    late: Count


class Snapshot(Message):
    """The state of analytics, several times a second, from analytics to the UI.

    `recent_bars` holds the last seconds of every symbol, `history` the last minutes of one symbol, in turn.
    """

    type: Literal["snapshot"] = "snapshot"
    version: Count
    run: str = Field(description="New at each start of analytics: versions and counters start again with it.")
    at_ns: EpochNs
    clock_ns: EpochNs = Field(description="Where the windows end: wall time, or the newest event of a replay.")
    symbols: list[SymbolSummary]
    last_trades: list[TapeTrade] = Field(description="Newest first.")
    recent_bars: list[Bars]
    history: Bars | None = None
    latencies: dict[Stage, StageLatency]
    skews: list[SourceSkew]
    ledger: AppliedLedger


class FeedState(Message):
    """One feed of ingest."""

    name: str
    state: Literal["starting", "live", "waiting", "finished", "failed"]
    detail: str | None = None
    trades: Count
    last_trade_ns: EpochNs | None = Field(default=None, description="Received, by ingest's clock.")


class SourceState(Message):
    """One source seen by ingest."""

    source: Source
    trades: Count
    lost: Count
    duplicate: Count
    last_trade_ns: EpochNs


class Position(Message):
    """One symbol of the paper account. Profit is in quote currency, at average cost."""

    symbol: Symbol
    qty: float = Field(description="Units of base; negative is short.")
    average_price: float | None = None
    last_price: float | None = None
    realised: float
    unrealised: float


class DeskState(Message):
    """The paper desk: its limits, its kill switch and its account."""

    account: str
    kill_switch: bool
    max_qty: float
    max_notional: float
    price_band_ratio: float
    max_commands_per_s: float
    symbols: list[Symbol] = Field(description="Symbols with a last price: what can be traded.")
    positions: list[Position]


class MessageLedger(Message):
    """Messages at ingest: received = accepted + refused + duplicate + ignored, always."""

    received: Count
    accepted: Count
    refused: Count
    duplicate: Count
    ignored: Count


class BatchSizes(Message):
    """Batches to analytics since the start, their trades, and the largest one."""

    batches: Count
    trades: Count
    largest: Count


class IngestStatus(Message):
    """The state of ingest, several times a second, from ingest to the UI."""

    type: Literal["status"] = "status"
    version: Count
    stream: str = Field(description="This ingest run; counters start again with it.")
    at_ns: EpochNs
    ledger: MessageLedger
    refused: dict[str, Count] = Field(description="Refused messages by reason.")
    accepted_trades: Count
    unapplied_trades: Count | None = Field(
        default=None, description="Accepted, but not reported applied; None before any report."
    )
    batch_sizes: BatchSizes
    feeds: list[FeedState]
    sources: list[SourceState]
    desk: DeskState | None = None


UiMessage = Annotated[Snapshot | IngestStatus | CommandResult, Field(discriminator="type")]
"""What the UI accepts on its PULL socket."""
