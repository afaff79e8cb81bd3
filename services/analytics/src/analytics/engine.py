"""The state of analytics: batches go in, one consistent state comes out. Pure: no sockets, no clock of its own."""

from dataclasses import dataclass

import numpy as np

from analytics.aggregates.buckets import MAX_AHEAD_S, MAX_SLOTS, Buckets
from analytics.aggregates.event_clock import EventClock
from analytics.aggregates.latency import Latencies, Skews, StageView
from analytics.aggregates.recent import RecentTrades, RecentView, Tape
from analytics.aggregates.rows import Rows
from analytics.aggregates.totals import Totals, TotalsView
from analytics.aggregates.windows import Windows
from analytics.arrays import SECOND_NS, may_overflow
from analytics.cooperative import CooperativeTask, Steps
from analytics.intake.labels import SymbolKey, Tables, name_slots, symbol_slots
from analytics.intake.ledger import AnalyticsLedger
from analytics.intake.pending import Pending, Trades
from analytics.intake.streams import Place, Streams
from telemetry_schema import Stage, WindowName
from telemetry_schema.batch import TRADE_DTYPE, BatchHeader, TradeBatch

_RECORD_BYTES = TRADE_DTYPE.itemsize

TAPE_TRADES = 50
"""Trades on the tape: what a person can read."""

MAX_ACCOUNTS = 100
"""Accounts with a name of their own on the tape; the rest is `other`."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one moment. Columns are of shape (symbols,), in the order of `symbols`; the first is `other`.

    A symbol is here once for each origin that has traded it.
    """

    at_ns: int
    clock_ns: int
    symbols: tuple[SymbolKey, ...]
    totals: TotalsView
    windows: dict[WindowName, Rows]
    latencies: dict[Stage, StageView]
    skews_ns: dict[str, int]
    ledger: AnalyticsLedger
    changed: RecentView
    """The recent trades of the symbols that have traded since the last state."""


class Engine:
    """Applies batches. Their trades are folded many at a time, and always before anything is read."""

    def __init__(self, *, max_symbols: int, max_sources: int, recent_trades: int) -> None:
        self.symbols, self.sources = symbol_slots(max_symbols, max_slots=MAX_SLOTS), name_slots(max_sources)
        self.accounts = name_slots(MAX_ACCOUNTS)
        slots = self.symbols.max_slots
        self._tables = Tables(self.symbols, self.sources, self.accounts)
        self.streams, self.ledger = Streams(), AnalyticsLedger()
        self.recent = RecentTrades(max_slots=slots, depth=recent_trades)
        self.tape, self.own_tape = Tape(TAPE_TRADES), Tape(TAPE_TRADES)
        self.buckets = Buckets(max_slots=slots)
        self._windows = Windows(self.buckets)
        self._pending, self._clock = Pending(), EventClock()
        self._active_read: CooperativeTask[State] | None = None
        self._totals, self._latencies, self._skews = Totals(slots), Latencies(), Skews(self.sources.max_slots)

    def apply(self, batch: TradeBatch, *, now_ns: int) -> bool:
        """Applies those trades of the batch that have not been applied before; whether all of it is applied now."""
        header = batch.header
        admission = self.streams.admit(header)
        self.ledger.count(admission, header.count)
        if admission.place is Place.NEXT:
            self._add(header, memoryview(batch.frame)[admission.repeated * _RECORD_BYTES :], now_ns)
        return admission.place is not Place.OUT_OF_ORDER

    def _add(self, header: BatchHeader, frame: memoryview, now_ns: int) -> None:
        table = self._tables.of(header, frame)
        while frame:
            room_bytes = self._pending.room * _RECORD_BYTES
            self._pending.add(frame[:room_bytes], table, applied_ns=now_ns, pushed_ns=header.sent_ns)
            frame = frame[room_bytes:]
            if not self._pending.room:
                self.fold()

    def refuse(self) -> None:
        """Counts a message that is no batch."""
        self.ledger.batches["refused"] += 1

    @may_overflow
    def fold(self) -> None:
        """Folds the pending trades into all aggregates."""
        if not len(self._pending):
            return
        self._finish_active_read()
        trades = self._pending.take()
        self.buckets.reserve(len(self.symbols))
        self.recent.reserve(len(self.symbols))
        now_ns = int(trades.applied_ns[-1])
        newest_allowed_s = now_ns // SECOND_NS + MAX_AHEAD_S
        late, ahead = self.buckets.fold(trades, newest_allowed_s=newest_allowed_s)
        self._totals.fold(trades)
        self.ledger.late += late
        self.ledger.ahead += ahead
        self._see_time(trades, newest_allowed_s if ahead else None)
        self._latencies.fold(trades, now_ns=now_ns)
        self._skews.fold(trades)
        self.recent.fold(trades)
        self._fold_tapes(trades)
        for slot in self.symbols.overflow_slots:
            self.ledger.symbol_overflow += int(np.count_nonzero(trades.symbol == slot))
        self.ledger.source_overflow += int(np.count_nonzero(trades.source == 0))

    def _fold_tapes(self, trades: Trades) -> None:
        own = trades.account > 0
        if not own.any():
            self.tape.fold(trades)
            return
        self.own_tape.fold(trades.select(own))
        if not own.all():
            self.tape.fold(trades.select(~own))

    def _finish_active_read(self) -> None:
        """Takes the remaining steps of a read that is under way, here and now.

        Reentrancy: `steps` is suspended at a `yield` while this takes its steps. It must happen before anything is
        folded, or the read would mix two moments: totals of now, windows of then.
        """
        while self._active_read is not None and self._active_read.step():
            pass

    def _see_time(self, trades: Trades, newest_allowed_s: int | None) -> None:
        event_ns = trades.event_ns
        if newest_allowed_s is not None:
            event_ns = np.where(event_ns < (newest_allowed_s + 1) * SECOND_NS, event_ns, -1)
        newest = int(event_ns.argmax())
        self._clock.see(
            int(event_ns[newest]),
            received_ns=int(trades.received_ns[newest]),
            replayed=bool(trades.replayed[newest]),
        )

    @may_overflow
    def prepare(self, *, minutes: int = 4) -> bool:
        """Does a bounded part of the work of the next read ahead of time; whether none is left."""
        self.fold()
        return self._windows.renew(minutes)

    def steps(self, *, now_ns: int) -> Steps[State]:
        """The state now. Trades that are applied between the steps are not in it; one asker at a time."""
        self.fold()
        read = self._active_read = CooperativeTask(self._read(now_ns))
        try:
            # A fold may take steps of this read while it is suspended here, up to the last one.
            while read.step():
                yield
        finally:
            # Also when the caller gives up (GeneratorExit): otherwise every fold would finish a read nobody wants.
            self._active_read = None
        return read.result

    def _read(self, now_ns: int) -> Steps[State]:
        # These change when trades are admitted, the rest when they are folded: now both are about the same trades.
        ledger, symbols, sources = self.ledger.copy(), self.symbols.names, self.sources.names
        clock_ns = self._clock.read(now_ns)
        windows = yield from self._windows.steps(clock_ns // SECOND_NS)
        return State(
            at_ns=now_ns,
            clock_ns=clock_ns,
            symbols=symbols,
            totals=self._totals.view(len(symbols)),
            windows={name: rows.first(len(symbols)) for name, rows in windows.items()},
            latencies=self._latencies.view(now_ns),
            skews_ns={sources[slot]: skew for slot, skew in self._skews.view().items()},
            ledger=ledger,
            changed=self._changed(),
        )

    def _changed(self) -> RecentView:
        changed = np.flatnonzero(self.recent.changed)
        self.recent.changed[changed] = False
        return self.recent.view(changed)
