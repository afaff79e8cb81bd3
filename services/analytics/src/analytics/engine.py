"""The state of analytics: batches go in, one consistent state comes out. Pure: no sockets, no clock of its own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from analytics.aggregates.buckets import MAX_SLOTS
from analytics.aggregates.event_clock import WallClockSteps
from analytics.arrays import SECOND_NS, may_overflow
from analytics.checkpoint.parts import Restorable
from analytics.checkpoint.parts import State as CheckpointState
from analytics.checkpoint.store import Capture, CheckpointStore
from analytics.cooperative import MomentReader, Steps
from analytics.intake.labels import SymbolKey, Table, Tables, name_slots, symbol_slots
from analytics.intake.ledger import AnalyticsLedger
from analytics.intake.pending import Pending
from analytics.intake.streams import Place, Streams
from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker, TrackerLimits
from analytics.state import State
from analytics.trade_aggregates import TradeAggregates
from telemetry_schema.batch import TRADE_DTYPE, BatchHeader, EventBatch, Frame, TradeBatch

_RECORD_BYTES = TRADE_DTYPE.itemsize

LABEL_IDLE_S = 3_600.0
"""A name without trades for this long may lose its label: its windows are empty then."""

MAX_BOOKS = 200
"""Books of own orders with labels of their own; each has up to a hundred series."""

MARK_AGE_NS: Final = 50_000_000
"""Orders are compared with trades that were applied up to so long before."""

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
        self._tables = Tables(self.symbols, self.sources, self.accounts)
        self._used: Table | None = None
        self._used_ns = self._searched_ns = 0
        self._label_idle_ns = round(label_idle_s * SECOND_NS)
        self.streams, self.ledger = Streams(), AnalyticsLedger()
        self.aggregates = TradeAggregates(
            max_symbols=self.symbols.max_slots,
            max_sources=self.sources.max_slots,
            recent_trades=recent_trades,
            frame_rows=frame_rows,
        )
        self._pending, self._wall, self._replay_stream = Pending(), WallClockSteps(), ("", 0)
        self._monotonic_ns = self._marked_ns = 0
        self._reader = MomentReader()
        self.orders = OrderTracker(
            Marks(self._last_trade),
            limits=TrackerLimits(max_books=max_books, max_sources=max_sources),
            authorities=fill_authorities,
        )

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

    def apply_events(self, batch: EventBatch, *, monotonic_ns: int) -> None:
        """Applies those messages about orders that have not been applied before."""
        if monotonic_ns - self._marked_ns >= MARK_AGE_NS:
            self._marked_ns = monotonic_ns
            self.fold()
        admission = self.streams.admit(batch.header)
        self.ledger.count_events(admission, batch.header.count)
        if admission.place is Place.NEXT:
            for event in batch.events[admission.repeated :]:
                self.orders.receive(event)
            self.ledger.book_overflow = self.orders.books.overflows

    def _last_trade(self, symbol: str) -> tuple[float, int] | None:
        """Price and event time of the last live trade of the market that has been folded."""
        slot = self.symbols.known(SymbolKey(symbol))
        return None if slot is None else self.aggregates.totals.last_live(slot)

    def _see_time(self, now_ns: int, monotonic_ns: int) -> None:
        self._monotonic_ns = monotonic_ns
        if self._wall.stepped_back(now_ns, monotonic_ns):
            self._settle()
            self.aggregates.step_back(now_ns)

    def _add(self, header: BatchHeader, frame: Frame, now_ns: int) -> None:
        if header.replayed and (header.stream, header.epoch) != self._replay_stream:
            self._settle()
            self.aggregates.timelines.restart_replays()
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
            self.aggregates.forget_symbol(slot)
            self.symbols.free(slot)
        for slot in self.sources.idle(before_ns):
            self.aggregates.forget_source(slot)
            self.sources.free(slot)
        for slot in self.accounts.idle(before_ns):
            self.aggregates.forget_account(slot)
            self.accounts.free(slot)
        self._tables.forget()

    def refuse(self) -> None:
        """Counts a message that is no batch."""
        self.ledger.batches["refused"] += 1

    def _settle(self) -> None:
        """Folds what is pending and finishes a read that is under way: what follows changes what both refer to."""
        self.fold()
        self._reader.finish()

    @may_overflow
    def fold(self) -> None:
        """Folds the pending trades into all aggregates."""
        if not len(self._pending):
            return
        self._reader.finish()
        trades, ledger = self._pending.take(), self.ledger
        traded = np.flatnonzero(np.bincount(trades.symbol))
        folded = self.aggregates.fold(trades, traded, symbols=len(self.symbols), monotonic_ns=self._monotonic_ns)
        ledger.late += folded.late
        ledger.ahead += folded.ahead
        ledger.oversized += folded.oversized
        for slot in {*self.symbols.overflow_slots} & {*traded.tolist()}:
            ledger.symbol_overflow += int(np.count_nonzero(trades.symbol == slot))
        ledger.source_overflow += int(np.count_nonzero(trades.source == 0))

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
        self._wall.saw(self.aggregates.totals.newest_ns())
        for labels in (self.symbols, self.sources, self.accounts):
            labels.use(np.arange(len(labels)), monotonic_ns)
        self.streams.catch_up(now_ns)

    def _restorables(self) -> dict[str, Restorable]:
        return {
            "symbols": self.symbols,
            "sources": self.sources,
            "accounts": self.accounts,
            "streams": self.streams,
            "ledger": self.ledger,
            "orders": self.orders,
            **self.aggregates.restorables(),
        }

    @may_overflow
    def prepare(self, *, minutes: int = 4) -> bool:
        """Does a bounded part of the work of the next read ahead of time; whether none is left."""
        self.fold()
        return self.aggregates.timelines.renew(minutes)

    def steps(self, *, now_ns: int, monotonic_ns: int) -> Steps[State]:
        """The state now. Trades that are applied between the steps are not in it; one asker at a time."""
        self._see_time(now_ns, monotonic_ns)
        self.fold()
        # Names and counts change when trades are admitted, the rest when they are folded: now all are of one moment.
        of_now = self.symbols.names, self.sources.names, self.ledger.copy()
        read = self.aggregates.read(*of_now, now_ns=now_ns, monotonic_ns=self._monotonic_ns)
        return self._reader.read(read)

    def capture(self, store: CheckpointStore) -> Steps[Capture]:
        """What is to outlive a restart, as it is now, for `store.save`. One asker at a time, as with `steps`."""
        return self._reader.read(store.capture(self.state()))
