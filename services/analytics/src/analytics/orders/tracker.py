"""Takes in everything about bots' own orders, and holds what follows from it: the one owner of this folder's state.

    event ─▶ registry (which order) ─▶ executions (does it count) ─▶ order (facts) ─▶ bookkeeper, latency, quality

Nothing is refused: what a state machine would call impossible is applied all the same and counted by its outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, cast

import msgspec
import numpy as np

from analytics.checkpoint.parts import State
from analytics.cooperative import Steps
from analytics.orders.activity import Activities
from analytics.orders.authorities import Authorities
from analytics.orders.bookkeeper import Bookkeeper
from analytics.orders.books import OTHER, BookKey, Books
from analytics.orders.executions import execution_of, key_of
from analytics.orders.latency import OrderLatencies
from analytics.orders.marks import Marks
from analytics.orders.order import BotOrder
from analytics.orders.order_states import ENDED, OrderState, Outcome
from analytics.orders.peer_reports import PeerReports
from analytics.orders.quality import REJECT_KINDS, RTS9_WEIGHTS, Counts, Quality, counts, refill
from analytics.orders.registry import Key, KnownOrders
from analytics.orders.saved_tables import is_large, parts_of, rows_of
from analytics.orders.trails import SeenEvent, Trails
from telemetry_schema import OrderEvent, PositionReport, Quote, RateLimitReport
from telemetry_schema.batch import ReceivedEvent

EXECUTION_EVENTS: Final = frozenset({"fill", "bust", "correct"})
FIRST_EVENTS: Final = frozenset({"submit", "deny"})
"""What an order begins with; any other one shows that its beginning was not heard of."""

_APPLIED, _SECOND_SOURCE = Outcome.APPLIED, Outcome.SECOND_SOURCE
_NOT_COUNTED: Final = frozenset({Outcome.DUPLICATE, Outcome.SECOND_SOURCE})
"""What happened has been counted as an event of its order already, or by another source."""

OVERFILL_RATIO: Final = 1e-9

_SMALL: Final = ("books", "latencies", "marks", "activities")
"""What is packed at once. No number follows from activities and trails: a checkpoint without them is good."""


@dataclass(frozen=True, slots=True)
class TrackerLimits:
    """Bounds of the tracker."""

    max_books: int = 200
    max_sources: int = 100


class Before(NamedTuple):
    """What an order was like before an event."""

    state: OrderState
    filled_qty: float
    leaves_qty: float


class OrderTracker:
    """The state of all orders.

    Args:
        marks: prices to value positions and fills with.
        limits: bounds.
        authorities: by account, the source whose fills count; where none is named, the first that sends one.
    """

    def __init__(
        self, marks: Marks, *, limits: TrackerLimits, authorities: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.marks, self._limits = marks, limits
        self.registry = KnownOrders()
        self.books = Books(max_books=limits.max_books)
        self.latencies, self.quality = OrderLatencies(), Quality()
        self.bookkeeper = Bookkeeper(self.books, self.quality, marks, self._source)
        self.authorities = Authorities(authorities, self._source)
        self.peers = PeerReports(self.books)
        self.activities, self.trails = Activities(max_bots=limits.max_books), Trails()
        self.events: Counts = counts()
        self.outcomes: Counts = counts()
        self.overfills: Counts = counts()
        self.fills_after_end: Counts = counts()
        self._sources: set[str] = set()
        self._unbooked: set[BookKey] = set()
        """Labels of orders without a book."""
        self._captures = 0

    def receive(self, event: ReceivedEvent) -> None:
        """Takes in any message."""
        message = event.message
        if event.kind == "order":
            self.apply(cast("OrderEvent", message), event.received_ns)
        elif event.kind == "quote":
            self.quote(cast("Quote", message), event.received_ns)
        elif event.kind == "position":
            self.peers.position(cast("PositionReport", message))
        else:
            self.peers.rate_limit(cast("RateLimitReport", message), event.received_ns)

    def quote(self, quote: Quote, received_ns: int) -> None:
        """Takes in a quote."""
        self.marks.quote(quote.symbol, quote.bid, quote.ask, quote.event_ns, received_ns)

    def apply(self, event: OrderEvent, now_ns: int) -> Outcome:
        """Takes in one event; `now_ns` is when ingest received it, UTC epoch nanoseconds."""
        name, found = event.event, self.registry.find(event)
        order = found.order
        before = Before(order.state, order.filled_qty, order.leaves_qty)
        execution = self._execute(order, event) if name in EXECUTION_EVENTS else None
        if event.cum_qty is not None and execution is not _SECOND_SOURCE:
            order.executions.report(event.cum_qty, event.avg_price)
        outcome = order.apply(event, execution=execution)
        if found.is_new and outcome is _APPLIED and name not in FIRST_EVENTS:
            outcome = Outcome.ORPHAN
        order.touched_ns = max(order.touched_ns, now_ns)
        if found.absorbed is not None:
            self._join(found.absorbed, found.key)
        self.bookkeeper.book(order, now_ns)
        self._count(order, event, outcome, before)
        self.registry.settle(order, found.key, now_ns)
        self.activities.see(order, event, outcome, now_ns)
        self.trails.see(found.key, SeenEvent(event, outcome, now_ns), ended=order.state in ENDED)
        return outcome

    def _execute(self, order: BotOrder, event: OrderEvent) -> Outcome:
        if not self.authorities.counts_for(event):
            self.authorities.compare(order, event)
            return Outcome.SECOND_SOURCE
        executions, ref = order.executions, event.ref_exec_id or ""
        if event.event == "bust":
            return Outcome.APPLIED if executions.bust(ref) else Outcome.DUPLICATE
        key, execution = key_of(event), execution_of(event)
        is_new = executions.correct(ref, key, execution) if event.event == "correct" else executions.add(key, execution)
        if is_new is None:
            return Outcome.CONFLICT
        return Outcome.APPLIED if is_new else Outcome.DUPLICATE

    def _join(self, absorbed: BotOrder, key: Key) -> None:
        """Makes what is booked and kept of an order that of the one that it turned out to be."""
        self.bookkeeper.unbook(absorbed)
        self.trails.join(Key(absorbed.account, absorbed.order_id), key)

    def _count(self, order: BotOrder, event: OrderEvent, outcome: Outcome, before: Before) -> None:
        source = self._source(event.source)
        self.outcomes[source, outcome] += 1
        if outcome in _NOT_COUNTED:
            return
        name = event.event
        book = order.booking.book or self._unbooked_key(order)
        self.events[*book, order.side or "", name] += 1
        if outcome is Outcome.CONFLICT:
            return
        self._measure(order, event, before)
        if name in RTS9_WEIGHTS:
            self.quality.message(order, event, book, leaves_before=before.leaves_qty)
        if name in REJECT_KINDS:
            self.quality.reject(order, event, book)
        if name == "fill" and outcome is _APPLIED:
            self._check_overfill(order, source, before)

    def _unbooked_key(self, order: BotOrder) -> BookKey:
        """The labels of an order that names no symbol or side, so that nothing is booked; `other` beyond a limit."""
        key = BookKey(order.account, order.strategy, order.symbol)
        if key not in self._unbooked:
            if len(self._unbooked) >= self._limits.max_books:
                return self.books.known(key)
            self._unbooked.add(key)
        return key

    def _measure(self, order: BotOrder, event: OrderEvent, before: Before) -> None:
        ack_ns = self.latencies.see(order, event, before=before.state)
        if ack_ns is not None:
            self.activities.see_ack(order, event.source, ack_ns)

    def _check_overfill(self, order: BotOrder, source: str, before: Before) -> None:
        if before.state in ENDED and before.state is not OrderState.FILLED:
            self.fills_after_end[(source,)] += 1
        qty = order.qty
        if qty is not None and max(order.filled_qty, before.filled_qty) > qty * (1 + OVERFILL_RATIO):
            self.overfills[(source,)] += 1

    def _source(self, source: str) -> str:
        """The label of a source: its name, while there is room for it."""
        if source not in self._sources:
            if len(self._sources) >= self._limits.max_sources:
                return OTHER
            self._sources.add(source)
        return source

    def tick(self, now_ns: int) -> Steps[None]:
        """What only the passing of time brings: markouts that are due, orders that are forgotten, equity."""
        yield from self.quality.settle_markouts(self.marks, now_ns)
        while gone := self.registry.expire(now_ns):
            for order in gone:
                self.latencies.forget(order)
                self.trails.forget(Key(order.account, order.order_id))
            yield
        while self.registry.cool(now_ns):
            yield
        self.activities.tick(now_ns)
        self.peers.tick(now_ns)
        self.books.value(self.marks, now_ns)

    # Checkpoint

    def _counters(self) -> dict[str, Counts]:
        return {
            "events": self.events,
            "outcomes": self.outcomes,
            "overfills": self.overfills,
            "fills_after_end": self.fills_after_end,
            "inferred_fills": self.bookkeeper.inferred_fills,
            "fees_paid": self.bookkeeper.fees_paid,
            "rebates": self.bookkeeper.rebates,
            "inferred_qty": self.bookkeeper.inferred_qty,
            "second_fills": self.authorities.second_fills,
        }

    def state(self) -> State:
        """All of it. What is small is packed now, the rest is in parts that nothing changes before they are copied."""
        self._captures += 1
        tables = {name: list(counter.items()) for name, counter in self._counters().items()} | self.quality.tables()
        large = {name: rows for name, rows in tables.items() if is_large(rows)}
        tree = {
            "tables": {name: rows for name, rows in tables.items() if name not in large},
            **self.peers.state(),
            "authorities": self.authorities.state(),
            "sources": list(self._sources),
            "forgotten_open": self.registry.forgotten_open,
            **{name: getattr(self, name).state() for name in _SMALL},
            "quality": self.quality.state(),
        }
        return {
            "packed": np.frombuffer(msgspec.msgpack.encode(tree), np.uint8),
            "tables": {name: parts_of(rows, self._captures) for name, rows in large.items()},
            "orders": self.registry.state(),
            "trails": self.trails.state(),
        }

    def restore(self, state: State) -> None:
        """Takes over what was saved.

        Raises:
            LookupError, TypeError, ValueError: it does not fit.
        """
        tree = msgspec.msgpack.decode(state["packed"].tobytes())
        tables = tree["tables"] | {name: rows_of(parts) for name, parts in state["tables"].items()}
        for name, counter in self._counters().items():
            refill(counter, tables.get(name, []))
        self.peers.restore(tree)
        self.authorities.restore(tree["authorities"])
        self._sources = set(tree["sources"])
        for name in _SMALL:
            if name in tree or name != "activities":
                getattr(self, name).restore(tree[name])
        self._unbooked = {BookKey(*labels[:3]) for labels in self.events} - set(self.books)
        self.trails.restore(state.get("trails", {}))
        self.quality.restore(tree["quality"], tables)
        self.registry.restore(state["orders"])
        self.registry.forgotten_open = tree["forgotten_open"]
