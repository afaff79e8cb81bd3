"""Everything that analytics knows at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from analytics.aggregates.buckets import MAX_SLOTS
from analytics.aggregates.event_clock import WallClockSteps
from analytics.aggregates.latency import Latencies, Skews, SourceLatencies, SourceLatency, StageView
from analytics.aggregates.recent import RecentTrades, RecentView, Tape
from analytics.aggregates.rows import Rows
from analytics.aggregates.timelines import Timelines
from analytics.aggregates.totals import Totals, TotalsView
from analytics.arrays import SECOND_NS, Ints, may_overflow
from analytics.checkpoint.parts import Restorable
from analytics.checkpoint.parts import State as CheckpointState
from analytics.checkpoint.store import Capture, CheckpointStore
from analytics.cooperative import CooperativeTask, Steps
from analytics.intake.labels import SymbolKey, Table, Tables, name_slots, symbol_slots
from analytics.intake.ledger import AnalyticsLedger
from analytics.intake.pending import Pending, Trades
from analytics.intake.streams import Place, Streams
from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker, TrackerLimits
from analytics.studies.ring import TradeRing
from telemetry_schema import Stage, WindowName
from telemetry_schema.batch import TRADE_DTYPE, BatchHeader, EventBatch, Frame, TradeBatch


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment. Columns are of shape (symbols,), in the order of `symbols`; the first is `other`.

    A symbol is here once for each origin that has traded it.
    """

    at_ns: int
    clock_ns: int
    clocks_ns: Ints
    """Each symbol's event clock: wall time, or the newest trade of its recording."""
    window_ends_s: Ints
    """The first second that is not in each symbol's windows."""
    symbols: tuple[SymbolKey, ...]
    totals: TotalsView
    windows: dict[WindowName, Rows]
    latencies: dict[Stage, StageView]
    skews_ns: dict[str, int]
    source_latencies: dict[str, SourceLatency]
    ledger: AnalyticsLedger
    changed: RecentView
    """The recent trades of the symbols that have traded since the last state."""
