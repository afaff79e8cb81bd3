"""All that trades are folded into. Pure."""

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

TAPE_TRADES = 50
"""Trades on the tape: what a person can read."""


class TradeAggregates:
    """Windows, totals, latencies and the last trades, which all take in the same trades."""

    def _fold_tapes(self, trades: Trades) -> None:
        own = trades.account > 0
        if not own.any():
            self.tape.fold(trades)
            return
        self.own_tape.fold(trades.select(own))
        if not own.all():
            self.tape.fold(trades.select(~own))

    def _free_symbol(self, slot: int) -> None:
        self._totals.forget(slot)
        self.timelines.forget_symbol(slot)
        self.recent.forget(slot)
        if self.ring is not None:
            self.ring.clear(slot)
        for tape in (self.tape, self.own_tape):
            tape.forget("symbol", slot)
        self.symbols.free(slot)

    def _free_source(self, slot: int) -> None:
        self.timelines.forget_source(slot)
        self._skews.forget(slot)
        self._source_latencies.forget(slot)
        for tape in (self.tape, self.own_tape):
            tape.forget("source", slot)
        self.sources.free(slot)

    def _restorables(self) -> dict[str, Restorable]:
        return {
            "symbols": self.symbols,
            "sources": self.sources,
            "accounts": self.accounts,
            "streams": self.streams,
            "ledger": self.ledger,
            "timelines": self.timelines,
            "totals": self._totals,
            "recent": self.recent,
            "tape": self.tape,
            "own_tape": self.own_tape,
            "latencies": self._latencies,
            "skews": self._skews,
            "orders": self.orders,
            "source_latencies": self._source_latencies,
        }

    def _read(self, now_ns: int) -> Steps[State]:
        # These change when trades are admitted, the rest when they are folded: now both are about the same trades.
        ledger, symbols, sources = self.ledger.copy(), self.symbols.names, self.sources.names
        monotonic_ns = self._monotonic_ns
        windows = yield from self.timelines.steps(len(symbols), now_ns)
        return State(
            at_ns=now_ns,
            clock_ns=self.timelines.clock_ns(now_ns),
            clocks_ns=self.timelines.clocks_ns(len(symbols), now_ns),
            window_ends_s=self.timelines.ends_s(len(symbols), now_ns),
            symbols=symbols,
            totals=self._totals.view(len(symbols)),
            windows=windows,
            latencies=self._latencies.view(monotonic_ns),
            skews_ns={sources[slot]: skew for slot, skew in self._skews.view().items()},
            source_latencies={sources[slot]: view for slot, view in self._source_latencies.view().items()},
            ledger=ledger,
            changed=self._changed(),
        )

    def _changed(self) -> RecentView:
        changed = np.flatnonzero(self.recent.changed)
        self.recent.changed[changed] = False
        return self.recent.view(changed)
