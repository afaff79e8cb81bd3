"""Takes in everything about bots' own orders, and holds what follows from it: the one owner of this folder's state.

    event ─▶ registry (which order) ─▶ executions (does it count) ─▶ order (facts) ─▶ books, latency, quality

Nothing is refused: what a state machine would call impossible is applied all the same and counted by its outcome.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import msgspec
import numpy as np

from analytics.checkpoint.parts import Part, State
from analytics.cooperative import Steps
from analytics.orders.activity import Activities
from analytics.orders.books import OTHER, BookKey, Books
from analytics.orders.executions import NOTHING_INFERRED, ROUNDING, Execution, Inferred, execution_of, key_of
from analytics.orders.latency import OrderLatencies
from analytics.orders.marks import Marks
from analytics.orders.order import ENDED, BotOrder, OrderState, Outcome
from analytics.orders.quality import Counts, Quality, counts, refill
from analytics.orders.registry import Key, KnownOrders
from analytics.orders.trails import Trails
from telemetry_schema import OrderEvent, PositionReport, Quote, RateLimitReport
from telemetry_schema.batch import ReceivedEvent

EXECUTION_EVENTS: Final = frozenset({"fill", "bust", "correct"})

OVERFILL_RATIO: Final = 1e-9

_COUNTERS: Final = frozenset(
    {
        "events",
        "outcomes",
        "inferred_fills",
        "overfills",
        "fills_after_end",
        "fees_paid",
        "rebates",
        "inferred_qty",
        "second_fills",
    }
)

_FOR_PEOPLE: Final = {"activities", "trails"}
"""What no number follows from: a checkpoint of an earlier version, which lacks it, is good."""

DUST_QTY: Final = 1e-12
"""An inferred quantity below this is what rounding has left of the others."""

PART_ROWS: Final = 500
"""Rows of a table that are packed at a time: about half a millisecond."""

MAX_AUTHORITIES: Final = 10_000
MAX_RATE_LIMITS: Final = 1_000


@dataclass(frozen=True, slots=True)
class TrackerLimits:
    """Bounds of the tracker."""

    max_books: int = 200
    max_sources: int = 100


class OrderTracker:
    """The state of all orders.

    Args:
        marks: prices to value positions and fills with.
        limits: bounds.
        authorities: by account, the source whose fills count; where none is named, the first that sends one.
    """

    def __init__(self, marks: Marks, *, limits: TrackerLimits, authorities: dict[str, str] | None = None) -> None:
        self.marks, self._limits = marks, limits
        self.registry = KnownOrders()
        self.books = Books(max_books=limits.max_books)
        self.latencies, self.quality = OrderLatencies(), Quality()
        self.activities, self.trails = Activities(max_bots=limits.max_books), Trails()
        self.events: Counts = counts()
        self.outcomes: Counts = counts()
        self.inferred_fills: Counts = counts()
        self.overfills: Counts = counts()
        self.fills_after_end: Counts = counts()
        self.fees_paid: Counts = counts()
        self.rebates: Counts = counts()
        self.inferred_qty: Counts = counts()
        self.second_fills: Counts = counts()
        """By source and how its fill stands to the authority's: `matched`, `different`, or `first` to tell of it."""
        self.rate_limits: dict[tuple[str, str, str], float] = {}
        self.position_differences: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        """By account and symbol, then by strategy: what the peer reported less what we held then."""
        self._named = dict(authorities or {})
        self._authorities = dict(self._named)
        self._sources: set[str] = set()
        self._captures = 0

    def apply(self, event: OrderEvent, now_ns: int) -> Outcome:
        """Takes in one event; `now_ns` is when ingest received it, UTC epoch nanoseconds."""
        found = self.registry.find(event)
        order = found.order
        before, filled_before, leaves_before = order.state, order.filled_qty, order.leaves_qty
        execution = self._execute(order, event) if event.event in EXECUTION_EVENTS else None
        if event.cum_qty is not None and execution is not Outcome.SECOND_SOURCE:
            order.executions.report(event.cum_qty, event.avg_price)
        outcome = order.apply(event, execution=execution)
        if found.is_new and outcome is Outcome.APPLIED and event.event not in {"submit", "deny"}:
            outcome = Outcome.ORPHAN
        order.touched_ns = max(order.touched_ns, now_ns)
        if found.absorbed is not None:
            self._unbook(found.absorbed)
            self.trails.join(_key(found.absorbed), _key(order))
        self._book(order, now_ns)
        if outcome in {Outcome.APPLIED, Outcome.LATE, Outcome.ORPHAN}:
            self._measure(order, event, before, leaves_before)
        self._count(order, event, outcome)
        self._check_overfill(order, event, before, filled_before, outcome)
        self.registry.settle(order, now_ns)
        self.activities.see(order, event, outcome, now_ns)
        self.trails.see(order, event, outcome, now_ns, ended=order.state in ENDED)
        return outcome

    def _execute(self, order: BotOrder, event: OrderEvent) -> Outcome:
        if not self._is_authority(event):
            self._compare(order, event)
            return Outcome.SECOND_SOURCE
        executions, ref = order.executions, event.ref_exec_id or ""
        if event.event == "bust":
            return Outcome.APPLIED if executions.bust(ref) else Outcome.DUPLICATE
        key, execution = key_of(event), execution_of(event)
        is_new = executions.correct(ref, key, execution) if event.event == "correct" else executions.add(key, execution)
        if is_new is None:
            return Outcome.CONFLICT
        return Outcome.APPLIED if is_new else Outcome.DUPLICATE

    def _compare(self, order: BotOrder, event: OrderEvent) -> None:
        """Counts how a fill of a second source stands to what the authority has told."""
        if event.event != "fill":
            return
        known = order.executions.fills.get(key_of(event))
        source = self._source(event.source)
        if known is None:
            self.second_fills[source, "first"] += 1
        else:
            is_same = (known.qty, known.price) == (event.last_qty, event.last_price)
            self.second_fills[source, "matched" if is_same else "different"] += 1

    def _is_authority(self, event: OrderEvent) -> bool:
        account = event.account or event.source
        if account not in self._authorities and len(self._authorities) >= MAX_AUTHORITIES:
            return True
        return self._authorities.setdefault(account, event.source) == event.source

    def authority(self, account: str) -> str:
        """The source whose fills count for an account; its own name, if none has sent a fill."""
        return self._authorities.get(account, account)

    # Books

    def _book(self, order: BotOrder, now_ns: int) -> None:
        """Brings the books in line with what stands of an order."""
        if not order.symbol or order.side is None:
            return
        key = self.books.label(BookKey(order.account, order.strategy, order.symbol))
        booking = order.booking
        if booking.book is not None and booking.book != key:
            self._unbook(order)
        booking.book = key
        standing = order.executions.effective()
        if len(standing) != len(booking.keys) or not order.executions.is_plain:
            for gone in booking.keys - standing.keys():
                self._unfill(order, key, gone)
            for name in [name for name in standing if name not in booking.keys]:
                self._fill(order, key, name, now_ns)
        self._book_inferred(order, key, order.inferred)
        self._count_end(order, key)

    def _fill(self, order: BotOrder, key: BookKey, name: str, now_ns: int) -> None:
        fill, book = order.executions.fills[name], self.books.open(key)
        book.fill(_sign(order), fill)
        order.booking.keys.add(name)
        if name in order.booking.counted:
            return
        order.booking.counted.add(name)
        self.quality.fill(order, fill, key, book.currency, self.marks, now_ns)
        if fill.fee:
            paid = self.fees_paid if fill.fee > 0 else self.rebates
            paid[key.account, key.strategy, fill.fee_currency] += abs(fill.fee)
            if fill.fee_currency != book.currency:
                self.books.unpriced_fees[fill.fee_currency] += abs(fill.fee)

    def _unfill(self, order: BotOrder, key: BookKey, name: str) -> None:
        self.books.open(key).unfill(_sign(order), order.executions.fills[name])
        order.booking.keys.discard(name)

    def _book_inferred(self, order: BotOrder, key: BookKey, inferred: Inferred) -> None:
        booking, book = order.booking, self.books.open(key)
        if inferred.is_like(booking.inferred):
            return
        if (old := booking.inferred.execution) is not None:
            book.unfill(_sign(order), old)
        if (new := inferred.execution) is not None:
            book.fill(_sign(order), new)
        if inferred.qty > booking.inferred.qty:
            self.inferred_fills[(self._source(order.source),)] += 1
        place = (key.account, key.symbol)
        left = self.inferred_qty[place] + inferred.qty - booking.inferred.qty
        self.inferred_qty[place] = left if left > DUST_QTY else 0.0
        booking.inferred = inferred

    def _unbook(self, order: BotOrder) -> None:
        """Takes all that an order has booked out of its book."""
        booking = order.booking
        if booking.book is None:
            return
        for name in list(booking.keys):
            self._unfill(order, booking.book, name)
        self._book_inferred(order, booking.book, NOTHING_INFERRED)
        booking.book = None

    def _count_end(self, order: BotOrder, key: BookKey) -> None:
        if order.state in ENDED and not order.booking.ended:
            order.booking.ended = True
            self.quality.end(order, key)

    # Counters

    def _measure(self, order: BotOrder, event: OrderEvent, before: OrderState, leaves_before: float) -> None:
        was_acked = "ack" in order.measured
        self.latencies.see(order, event, before=before)
        if not was_acked and "ack" in order.measured:
            self.activities.see_ack(order, event.source, order.touched_ns)
        book = order.booking.book or BookKey(order.account, order.strategy, order.symbol)
        self.quality.message(order, event, book, leaves_before=leaves_before)
        self.quality.reject(order, event, book)

    def _count(self, order: BotOrder, event: OrderEvent, outcome: Outcome) -> None:
        self.outcomes[self._source(event.source), outcome] += 1
        if outcome in {Outcome.APPLIED, Outcome.LATE, Outcome.ORPHAN, Outcome.CONFLICT}:
            book = order.booking.book or BookKey(order.account, order.strategy, order.symbol)
            self.events[*book, order.side or "", event.event] += 1

    def _check_overfill(
        self, order: BotOrder, event: OrderEvent, before: OrderState, filled_before: float, outcome: Outcome
    ) -> None:
        if event.event != "fill" or outcome is not Outcome.APPLIED:
            return
        source = (self._source(event.source),)
        if before in ENDED and before is not OrderState.FILLED:
            self.fills_after_end[source] += 1
        qty = order.qty
        if qty is not None and max(order.filled_qty, filled_before) > qty * (1 + OVERFILL_RATIO):
            self.overfills[source] += 1

    def _source(self, source: str) -> str:
        if source not in self._sources:
            if len(self._sources) >= self._limits.max_sources:
                return OTHER
            self._sources.add(source)
        return source

    # Companions

    def quote(self, quote: Quote, received_ns: int) -> None:
        """Takes in a quote."""
        self.marks.quote(quote.symbol, quote.bid, quote.ask, quote.event_ns, received_ns)

    def position(self, report: PositionReport) -> None:
        """Takes in what the peer says it holds; the first report of a book that is empty opens it."""
        key = self.books.label(BookKey(report.account, report.strategy or "", report.symbol))
        book = self.books.open(key)
        differences = self.position_differences[key.account, key.symbol]
        if not differences and not book.holding.qty and report.qty and report.avg_price is not None:
            sign = 1 if report.qty > 0 else -1
            book.fill(sign, Execution(abs(report.qty), report.avg_price))
        # Against what we hold now: the next fill changes ours at once, and the peer's with its next report.
        ours = self._ours(key, names_all=bool(differences.keys() - {key.strategy}))
        difference = report.qty - ours
        is_rounding = abs(difference) <= ROUNDING * max(abs(ours), abs(report.qty))
        differences[key.strategy] = 0.0 if is_rounding else difference

    def mismatches(self) -> dict[tuple[str, str], float]:
        """By account and symbol: the peer's position less ours at its last report, in units of base."""
        return {place: sum(found.values()) for place, found in self.position_differences.items()}

    def _ours(self, key: BookKey, *, names_all: bool) -> float:
        """Our position of a strategy; where the peer names none at all, of all strategies."""
        if key.strategy or names_all:
            return self.books.open(key).holding.qty
        return sum(
            self.books.open(each).holding.qty
            for each in self.books
            if (each.account, each.symbol) == (key.account, key.symbol)
        )

    def rate_limit(self, report: RateLimitReport) -> None:
        """Takes in the use of a limit."""
        key = (report.account, report.venue, report.limit)
        if key in self.rate_limits or len(self.rate_limits) < MAX_RATE_LIMITS:
            self.rate_limits[key] = report.used / report.allowed

    # Time

    def receive(self, event: ReceivedEvent) -> None:
        """Takes in any message."""
        message = event.message
        if event.kind == "order":
            self.apply(cast("OrderEvent", message), event.received_ns)
        elif event.kind == "quote":
            self.quote(cast("Quote", message), event.received_ns)
        elif event.kind == "position":
            self.position(cast("PositionReport", message))
        else:
            self.rate_limit(cast("RateLimitReport", message))

    def tick(self, now_ns: int) -> Steps[None]:
        """What only the passing of time brings: markouts that are due, orders that are forgotten, equity."""
        yield from self.quality.settle_markouts(self.marks, now_ns)
        while gone := self.registry.expire(now_ns):
            for order in gone:
                self.latencies.forget(order)
                self.trails.forget(_key(order))
            yield
        while self.registry.cool(now_ns):
            yield
        self.books.value(self.marks, now_ns)

    # Checkpoint

    def _counters(self) -> dict[str, Counts]:
        return {name: value for name, value in vars(self).items() if name in _COUNTERS}

    def state(self) -> State:
        """All of it. What is small is packed now, the rest is in parts that nothing changes before they are copied."""
        self._captures += 1
        tables = {name: list(counter.items()) for name, counter in self._counters().items()} | self.quality.tables()
        large = {name: rows for name, rows in tables.items() if len(rows) > PART_ROWS}
        tree = {
            "tables": {name: rows for name, rows in tables.items() if name not in large},
            "rate_limits": list(self.rate_limits.items()),
            "differences": [(key, dict(values)) for key, values in self.position_differences.items()],
            "authorities": self._authorities,
            "sources": list(self._sources),
            "forgotten_open": self.registry.forgotten_open,
            "books": self.books.state(),
            "latencies": self.latencies.state(),
            "quality": self.quality.state(),
            "marks": self.marks.state(),
            "activities": self.activities.state(),
            "trails": self.trails.state(),
        }
        return {
            "packed": np.frombuffer(msgspec.msgpack.encode(tree), np.uint8),
            "tables": {name: self._parts(rows) for name, rows in large.items()},
            "orders": self.registry.state(),
        }

    def _parts(self, rows: list[Any]) -> State:
        """A table in parts, which are packed in steps: its rows are tuples, which never change."""
        starts = range(0, len(rows), PART_ROWS)
        return {str(start): Part(self._captures, partial(_packed_rows, rows, start)) for start in starts}

    def restore(self, state: State) -> None:
        """Takes over what was saved.

        Raises:
            LookupError, TypeError, ValueError: it does not fit.
        """
        tree = msgspec.msgpack.decode(state["packed"].tobytes())
        tables = tree["tables"] | {name: _rows_of(parts) for name, parts in state["tables"].items()}
        for name, counter in self._counters().items():
            refill(counter, tables.get(name, []))
        self.rate_limits = {tuple(key): used for key, used in tree["rate_limits"]}
        # An earlier version kept what was reported; the next report makes up for what is not here.
        for (account, symbol), values in tree.get("differences", []):
            self.position_differences[account, symbol] = values
        self._authorities = tree["authorities"] | self._named
        self._sources = set(tree["sources"])
        for name in ("books", "latencies", "marks"):
            getattr(self, name).restore(tree[name])
        self.quality.restore(tree["quality"], tables)
        self.registry.restore(state["orders"])
        self.registry.forgotten_open = tree["forgotten_open"]
        for name in _FOR_PEOPLE & tree.keys():
            getattr(self, name).restore(tree[name])


def _packed_rows(rows: list[Any], start: int) -> State:
    return {"rows": np.frombuffer(msgspec.msgpack.encode(rows[start : start + PART_ROWS]), np.uint8)}


def _rows_of(parts: State) -> list[Any]:
    saved = [parts[start].copy()["rows"] for start in sorted(parts, key=int)]
    return [row for rows in saved for row in msgspec.msgpack.decode(rows.tobytes())]


def _key(order: BotOrder) -> Key:
    return Key(order.account, order.order_id)


def _sign(order: BotOrder) -> int:
    return 1 if order.side == "buy" else -1
