"""All that trades are folded into: each sees the same trades, in the same order. Pure."""

from dataclasses import replace
from typing import Final

import numpy as np

from analytics.aggregates.latency import Latencies, Skews, SourceLatencies
from analytics.aggregates.recent import RecentTrades, RecentView, Tape
from analytics.aggregates.timelines import Folded, Timelines
from analytics.aggregates.totals import Totals
from analytics.arrays import SECOND_NS, Ints
from analytics.checkpoint.parts import Restorable
from analytics.cooperative import Steps
from analytics.intake.labels import SymbolKey
from analytics.intake.ledger import AnalyticsLedger
from analytics.intake.pending import Trades
from analytics.state import State
from analytics.studies.ring import TradeRing

TAPE_TRADES: Final = 50
"""Trades on the tape: what a person can read."""


class TradeAggregates:
    """Windows, totals, latencies and the last trades. Columns are by the slots of symbols and sources.

    Args:
        max_symbols: slots of symbols.
        max_sources: slots of sources.
        recent_trades: raw trades kept of each symbol for statistics.
        frame_rows: raw trades kept of each symbol for studies and for `/trades`; 0 keeps none.
    """

    def __init__(self, *, max_symbols: int, max_sources: int, recent_trades: int, frame_rows: int) -> None:
        self.timelines = Timelines(max_slots=max_symbols)
        self.recent = RecentTrades(max_slots=max_symbols, depth=recent_trades)
        self.ring = TradeRing(max_slots=max_symbols, depth=frame_rows) if frame_rows else None
        self.tape, self.own_tape = Tape(TAPE_TRADES), Tape(TAPE_TRADES)
        self.totals = Totals(max_symbols)
        self._latencies, self._skews = Latencies(), Skews(max_sources)
        self._source_latencies = SourceLatencies(max_sources)

    def fold(self, trades: Trades, traded: Ints, *, symbols: int, monotonic_ns: int) -> Folded:
        """Adds trades, of the traded symbols; of `symbols` slots."""
        self.recent.reserve(symbols)
        folded = self.timelines.fold(trades, traded, slots=symbols, now_ns=int(trades.applied_ns[-1]))
        self.totals.begin_again(folded.stepped)
        oversized = self.totals.fold(trades, traded, folded.outdated)
        self._latencies.fold(trades, monotonic_ns=monotonic_ns)
        self._skews.fold(trades)
        self._source_latencies.fold(trades)
        self.recent.fold(trades)
        if self.ring is not None:
            self.ring.fold(trades, trades.symbol)
        self._fold_tapes(trades)
        return replace(folded, oversized=oversized) if oversized else folded

    def _fold_tapes(self, trades: Trades) -> None:
        own = trades.account > 0
        if not own.any():
            self.tape.fold(trades)
            return
        self.own_tape.fold(trades.select(own))
        if not own.all():
            self.tape.fold(trades.select(~own))

    def step_back(self, now_ns: int) -> None:
        """Wall time was set back: nothing that is live is in the future."""
        self.timelines.live.buckets.forget_after(now_ns // SECOND_NS)
        self.totals.step_back(now_ns)

    def forget_symbol(self, slot: int) -> None:
        """Empties a symbol's slot, which another one may have then."""
        self.totals.forget(slot)
        self.timelines.forget_symbol(slot)
        self.recent.forget(slot)
        if self.ring is not None:
            self.ring.clear(slot)
        for tape in (self.tape, self.own_tape):
            tape.forget("symbol", slot)

    def forget_source(self, slot: int) -> None:
        """Empties a source's slot."""
        self.timelines.forget_source(slot)
        self._skews.forget(slot)
        self._source_latencies.forget(slot)
        for tape in (self.tape, self.own_tape):
            tape.forget("source", slot)

    def forget_account(self, slot: int) -> None:
        """Takes the name off the trades of an account that are on the tape."""
        self.own_tape.forget("account", slot + 1)

    def restorables(self) -> dict[str, Restorable]:
        """What of them outlives a restart."""
        return {
            "timelines": self.timelines,
            "totals": self.totals,
            "recent": self.recent,
            "tape": self.tape,
            "own_tape": self.own_tape,
            "latencies": self._latencies,
            "skews": self._skews,
            "source_latencies": self._source_latencies,
        }

    def read(
        self,
        symbols: tuple[SymbolKey, ...],
        sources: tuple[str, ...],
        ledger: AnalyticsLedger,
        *,
        now_ns: int,
        monotonic_ns: int,
    ) -> Steps[State]:
        """All of this moment, if nothing is folded between the steps."""
        windows = yield from self.timelines.steps(len(symbols), now_ns)
        return State(
            at_ns=now_ns,
            clock_ns=self.timelines.clock_ns(now_ns),
            clocks_ns=self.timelines.clocks_ns(len(symbols), now_ns),
            window_ends_s=self.timelines.ends_s(len(symbols), now_ns),
            symbols=symbols,
            totals=self.totals.view(len(symbols)),
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
