"""The state of analytics: batches go in, one consistent state comes out. Pure: no sockets, no clock of its own."""

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

_T = TypeVar("_T", "State", Capture)

_RECORD_BYTES = TRADE_DTYPE.itemsize

LABEL_IDLE_S = 3_600.0
"""A name without trades for this long may lose its label: its windows are empty then."""

MAX_BOOKS = 200
"""Books of own orders with labels of their own; each has up to a hundred series."""

MAX_ACCOUNTS = 100
"""Accounts with a name of their own on the tape; the rest is `other`."""


class Engine:
    """Applies batches. Their trades are folded many at a time, and always before anything is read.

    Args:
        max_symbols: symbols of each origin with a label of their own.
        max_sources: sources with a label of their own.
        recent_trades: raw trades kept of each symbol for statistics.
        frame_rows: raw trades kept of each symbol for studies and for `/trades`; 0 keeps none.
        label_idle_s: how long a name must have had no trades before another one may have its label.
        max_books: books of own orders (account, strategy, symbol) with labels of their own.
        fill_authorities: by account the source whose fills count; else the first that sends one.
    """

    def __init__(
        self,
        *,
        max_symbols: int,
        max_sources: int,
        recent_trades: int,
        frame_rows: int = 0,
        label_idle_s: float = LABEL_IDLE_S,
        max_books: int = MAX_BOOKS,
        fill_authorities: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.symbols, self.sources = symbol_slots(max_symbols, max_slots=MAX_SLOTS), name_slots(max_sources)
        self.accounts = name_slots(MAX_ACCOUNTS)
        slots = self.symbols.max_slots
        self._tables = Tables(self.symbols, self.sources, self.accounts)
        self._used: Table | None = None
        self._used_ns = self._searched_ns = 0
        self._label_idle_ns = round(label_idle_s * SECOND_NS)
        self.streams, self.ledger = Streams(), AnalyticsLedger()
        self.recent = RecentTrades(max_slots=slots, depth=recent_trades)
        self.ring = TradeRing(max_slots=slots, depth=frame_rows) if frame_rows else None
        self.tape, self.own_tape = Tape(TAPE_TRADES), Tape(TAPE_TRADES)
        self.timelines = Timelines(max_slots=slots)
        self._pending, self._wall, self._replay_stream = Pending(), WallClockSteps(), ("", 0)
        self._monotonic_ns = 0
        self._active_read: CooperativeTask[State] | CooperativeTask[Capture] | None = None
        self.orders = OrderTracker(
            Marks(self._last_trade),
            limits=TrackerLimits(max_books=max_books, max_sources=max_sources),
            authorities=fill_authorities,
        )
        self._totals, self._latencies, self._skews = Totals(slots), Latencies(), Skews(self.sources.max_slots)
        self._source_latencies = SourceLatencies(self.sources.max_slots)

    def apply(self, batch: TradeBatch, *, now_ns: int, monotonic_ns: int) -> bool:
        """Applies those trades of the batch that have not been applied before; whether all of it is applied now."""
        header = batch.header
        admission = self.streams.admit(header)
        self.ledger.count(admission, header.count)
        if admission.place is Place.NEXT:
            self._see_time(now_ns, monotonic_ns)
            repeated_bytes = admission.repeated * _RECORD_BYTES
            self._add(header, memoryview(batch.frame)[repeated_bytes:] if repeated_bytes else batch.frame, now_ns)
        return admission.is_applied

    def apply_events(self, batch: EventBatch) -> None:
        """Applies those messages about orders that have not been applied before."""
        admission = self.streams.admit(batch.header)
        self.ledger.count_events(admission, batch.header.count)
        if admission.place is Place.NEXT:
            for event in batch.events[admission.repeated :]:
                self.orders.receive(event)
            self.ledger.book_overflow = self.orders.books.overflows

    def _last_trade(self, symbol: str) -> tuple[float, int] | None:
        """Price and event time of the last live trade of the market that has been folded."""
        slot = self.symbols.known(SymbolKey(symbol))
        return None if slot is None else self._totals.last_live(slot)

    def _see_time(self, now_ns: int, monotonic_ns: int) -> None:
        self._monotonic_ns = monotonic_ns
        if self._wall.stepped_back(now_ns, monotonic_ns):
            self._settle()
            self.timelines.live.buckets.forget_after(now_ns // SECOND_NS)
            self._totals.step_back(now_ns)

    def _add(self, header: BatchHeader, frame: Frame, now_ns: int) -> None:
        if header.replayed and (header.stream, header.epoch) != self._replay_stream:
            self._settle()
            self.timelines.restart_replays()
            self._replay_stream = header.stream, header.epoch
        table = self._table(header, frame)
        while len(frame) > (room_bytes := self._pending.room * _RECORD_BYTES):
            self._pending.add(frame[:room_bytes], table, applied_ns=now_ns, pushed_ns=header.sent_ns)
            frame = frame[room_bytes:]
            self.fold()
        self._pending.add(frame, table, applied_ns=now_ns, pushed_ns=header.sent_ns)
        if not self._pending.room:
            self.fold()

    def _table(self, header: BatchHeader, frame: Frame) -> Table:
        table = self._tables.known(header)
        if table is None or (table.overflows and self._monotonic_ns - self._searched_ns >= SECOND_NS):
            self._make_room(header, frame)
            table = self._tables.of(header, frame)
        if table is not self._used or self._monotonic_ns - self._used_ns >= SECOND_NS:
            self._tables.use(table, self._monotonic_ns)
            self._used, self._used_ns = table, self._monotonic_ns
        return table

    def _make_room(self, header: BatchHeader, frame: Frame) -> None:
        """Frees the labels of idle names if the batch brings one that has no room; once a second at most."""
        if self._monotonic_ns - self._searched_ns < SECOND_NS or not self._tables.lack_room_for(header, frame):
            return
        self._searched_ns = self._monotonic_ns
        # Pending trades mean the old names by their slots, and a read that is under way too.
        self._settle()
        before_ns = self._monotonic_ns - self._label_idle_ns
        for slot in self.symbols.idle(before_ns):
            self._free_symbol(slot)
        for slot in self.sources.idle(before_ns):
            self._free_source(slot)
        for slot in self.accounts.idle(before_ns):
            self.own_tape.forget("account", slot + 1)
            self.accounts.free(slot)
        self._tables.forget()

    def refuse(self) -> None:
        """Counts a message that is no batch."""
        self.ledger.batches["refused"] += 1

    def _settle(self) -> None:
        """Folds what is pending and finishes a read that is under way: what follows changes what both refer to."""
        self.fold()
        self._finish_active_read()

    @may_overflow
    def fold(self) -> None:
        """Folds the pending trades into all aggregates."""
        if not len(self._pending):
            return
        self._finish_active_read()
        trades = self._pending.take()
        self.recent.reserve(len(self.symbols))
        traded = np.flatnonzero(np.bincount(trades.symbol))
        folded = self.timelines.fold(trades, traded, slots=len(self.symbols), now_ns=int(trades.applied_ns[-1]))
        self.ledger.late += folded.late
        self.ledger.ahead += folded.ahead
        self._totals.begin_again(folded.stepped)
        self._totals.fold(trades, traded, folded.outdated)
        self.ledger.oversized = self._totals.oversized
        self._latencies.fold(trades, monotonic_ns=self._monotonic_ns)
        self._skews.fold(trades)
        self._source_latencies.fold(trades)
        self.recent.fold(trades)
        if self.ring is not None:
            self.ring.fold(trades, trades.symbol)
        self._fold_tapes(trades)
        for slot in {*self.symbols.overflow_slots} & {*traded.tolist()}:
            self.ledger.symbol_overflow += int(np.count_nonzero(trades.symbol == slot))
        self.ledger.source_overflow += int(np.count_nonzero(trades.source == 0))

    def state(self) -> CheckpointState:
        """All that is to outlive a restart. What its parts copy must be copied before anything is folded."""
        self.fold()
        return {name: each.state() for name, each in self._restorables().items()}

    def restore(self, state: CheckpointState, *, now_ns: int, monotonic_ns: int) -> None:
        """Takes over what an earlier process saved, in an engine that was just made.

        Names count as used now: nobody knows how long the machine was off.

        Raises:
            LookupError, TypeError, ValueError: it does not fit; this engine is of no use any more.
        """
        for name, each in self._restorables().items():
            # A checkpoint of version 1 comes without orders.
            if name in state or name != "orders":
                each.restore(state[name])
        self._wall.saw(self._totals.newest_ns())
        for labels in (self.symbols, self.sources, self.accounts):
            labels.use(np.arange(len(labels)), monotonic_ns)
        self.streams.catch_up(now_ns)

    @may_overflow
    def prepare(self, *, minutes: int = 4) -> bool:
        """Does a bounded part of the work of the next read ahead of time; whether none is left."""
        self.fold()
        return self.timelines.renew(minutes)

    def steps(self, *, now_ns: int, monotonic_ns: int) -> Steps[State]:
        """The state now. Trades that are applied between the steps are not in it; one asker at a time."""
        self._see_time(now_ns, monotonic_ns)
        self.fold()
        return self._of_one_moment(self._read(now_ns))

    def capture(self, store: CheckpointStore) -> Steps[Capture]:
        """What is to outlive a restart, as it is now, for `store.save`. One asker at a time, as with `steps`."""
        return self._of_one_moment(store.capture(self.state()))
