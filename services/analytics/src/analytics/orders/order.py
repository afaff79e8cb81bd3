"""One order as the facts that are known of it; its state is derived from them, never stored.

    state = filled      the quantity is known and the filled quantity reaches it
          | ended       the strongest end seen: denied > rejected > expired > cancelled
          | open        acknowledged, or something was filled
          | pending     submitted
          | unknown     none of these

Every fact commutes (sets, maxima, minima), so events may come in any order, twice or late, and give the same order.
Quantities decide, not the peer's status words: some peers send the completing fill as a partial one.
"""

from collections.abc import Callable
from math import inf
from typing import Final

from msgspec import Struct, field

from analytics.orders.books import BookKey
from analytics.orders.clocks import Stamps, earliest, latest, stamps_of
from analytics.orders.executions import NOTHING_INFERRED, ROUNDING, Executions, Inferred
from analytics.orders.order_states import END_STATES, ENDED, ENDS, End, OrderState, Outcome, outcome_after_end
from analytics.orders.repeats import MAX_SEEN, EventKey, event_key, most_worth
from telemetry_schema import OrderEvent, OrderEventName, OrderType, Side, TimeInForce

_ANSWERS: Final[dict[OrderEventName, tuple[OrderEventName, ...]]] = {
    "cancel_request": ("cancel_reject", "cancel"),
    "replace_request": ("replace_reject", "replace"),
}

LAST_FILL: Final = "last_fill"
"""Under which the latest stamps of fills are kept, beside the earliest: a fill may come before those it follows."""

MAX_STAMPS: Final = 1_000
"""Stamps of an order: two for each replace with an alias, of which it may have one each second."""

_INFORMATIVE: Final = frozenset(
    {"ack", "fill", "cancel", "reject", "expire", "status", "replace", "trigger", "bust", "correct"}
)
"""Events that say where an order is, and so end a doubt about it."""


class Version(Struct, frozen=True, order=True, array_like=True, gc=False):
    """A quantity or price that was ordered. A replace beats the submit, the later replace the earlier."""

    is_replace: bool
    at_ns: int
    alias: str
    value: float


def _newer(one: Version | None, other: Version | None) -> Version | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


class Booking(Struct, omit_defaults=True, gc=False):
    """What of an order is in which book."""

    book: BookKey | None = None
    keys: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    """Executions that the counters have had: one that moves to another book is not counted again."""
    fee_values: dict[str, float] = field(default_factory=dict)
    """Fees in other currencies than the book's by execution, in quote currency at the price of when they were paid."""
    inferred: Inferred = NOTHING_INFERRED
    uncompared: set[str] = field(default_factory=set)
    """Executions that came before the submit: what their prices are compared with comes with that."""
    ended: bool = False
    """Its end has been counted."""
    ended_qty: float = inf
    ended_filled_qty: float = inf
    """What was counted as ordered and as filled when it ended; infinite where an earlier version counted it."""

    def absorb_end(self, other: "Booking") -> None:
        """Takes over what was counted of the end of another id of the same order."""
        if other.ended:
            self.ended_qty = other.ended_qty + (self.ended_qty if self.ended else 0.0)
            self.ended_filled_qty = other.ended_filled_qty + (self.ended_filled_qty if self.ended else 0.0)
        self.ended |= other.ended


class BotOrder(Struct, omit_defaults=True, gc=False):
    """The facts of one order. `account` and `order_id` are its key; other names are those that came first.

    A struct, as it is made, packed and unpacked thousands of times a second; no cycle can form in it.
    """

    account: str
    order_id: str
    source: str = ""
    strategy: str = ""
    venue: str = ""
    symbol: str = ""
    side: Side | None = None
    order_type: OrderType | None = None
    tif: TimeInForce | None = None
    submitted: bool = False
    acked: bool = False
    end: End = End.NONE
    ordered_qty: Version | None = None
    ordered_price: Version | None = None
    executions: Executions = field(default_factory=Executions)
    stamps: dict[str, Stamps] = field(default_factory=dict)
    """By event, and by alias where there is one: the earliest stamps of those that are not replayed; of requests the
    latest, as a request that was rejected is asked again. At most `MAX_STAMPS`."""
    sent_ns: dict[str, int] = field(default_factory=dict)
    """By event: when the newest was sent."""
    seen: set[EventKey] = field(default_factory=set)
    """Events that have come; at most `MAX_SEEN`."""
    arrival_price: float | None = None
    decision_price: float | None = None
    decision_ns: int | None = None
    tick_ns: int | None = None
    replayed_events: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    """Stages whose latency has been counted, or found not to be measurable."""
    booking: Booking = field(default_factory=Booking)
    touched_ns: int = 0
    """When an event last came, by the time of receipt."""

    # Derived from the facts above by `derive`, and read many times between two events.
    state: OrderState = OrderState.UNKNOWN
    filled_qty: float = 0.0
    """Known and inferred, units of base."""
    inferred: Inferred = NOTHING_INFERRED
    """What was filled by the peer's word alone."""

    @property
    def qty(self) -> float | None:
        """Ordered quantity, units of base; None while no event has named it."""
        return self.ordered_qty.value if self.ordered_qty else None

    @property
    def leaves_qty(self) -> float:
        """What may still be filled, units of base."""
        if self.ordered_qty is None or self.state in ENDED:
            return 0.0
        return max(self.ordered_qty.value - self.filled_qty, 0.0)

    @property
    def begun_ns(self) -> int:
        """Its earliest stamp; when it was heard of, if all of its events are replayed."""
        stamps = (stamp.at_ns for each in self.stamps.values() for stamp in each.values())
        return min(stamps, default=self.touched_ns)

    def derive(self) -> None:
        """Renews what follows from the facts; see the head of this file."""
        executions = self.executions
        if executions.reported is None:
            self.inferred, self.filled_qty = NOTHING_INFERRED, executions.qty
        else:
            self.inferred = executions.inferred(self.ordered_price.value if self.ordered_price else None)
            self.filled_qty = executions.qty + self.inferred.qty
        self.state = self._state()

    def _state(self) -> OrderState:
        if self.ordered_qty is not None and self.filled_qty >= self.ordered_qty.value * (1 - ROUNDING):
            return OrderState.FILLED
        if self.end:
            return END_STATES[self.end]
        if self.acked or self.filled_qty > 0:
            return OrderState.OPEN
        return OrderState.PENDING if self.submitted else OrderState.UNKNOWN

    @property
    def in_doubt(self) -> bool:
        """Whether the last word was that its state is not known (a timeout, a disconnect)."""
        doubt_ns = self.sent_ns.get("unknown")
        if doubt_ns is None or self.state in ENDED:
            return False
        return all(sent_ns < doubt_ns for event, sent_ns in self.sent_ns.items() if event in _INFORMATIVE)

    def waits_for(self, request: OrderEventName) -> bool:
        """Whether the newest `cancel_request` or `replace_request` has no answer yet."""
        asked_ns = self.sent_ns.get(request)
        if asked_ns is None or self.state in ENDED:
            return False
        return all(self.sent_ns.get(answer, -1) < asked_ns for answer in _ANSWERS[request])

    def apply(self, event: OrderEvent, *, execution: Outcome | None = None) -> Outcome:
        """Takes in one event.

        Args:
            event: the event.
            execution: of a fill, bust or correction: what its execution was to `executions`.
        """
        outcome = self._judge(event, self.state) if execution is None else execution
        self._note_names(event)
        self._note_times(event)
        note = _NOTES.get(event.event)
        if note is not None:
            note(self, event)
        self.derive()
        return outcome

    def _judge(self, event: OrderEvent, before: OrderState) -> Outcome:
        key = event_key(event)
        if key in self.seen:
            return Outcome.DUPLICATE
        self.seen.add(key)
        if len(self.seen) > MAX_SEEN:
            self.seen = most_worth(self.seen)
        return outcome_after_end(before, event.event) if before in ENDED else Outcome.APPLIED

    def _note_names(self, event: OrderEvent) -> None:
        self.source = self.source or event.source
        self.strategy = self.strategy or event.strategy or ""
        self.venue = self.venue or event.venue or ""
        self.symbol = self.symbol or event.symbol or ""
        self.side = self.side or event.side
        self.order_type = self.order_type or event.order_type
        self.tif = self.tif or event.tif
        self.arrival_price = event.arrival_price if self.arrival_price is None else self.arrival_price
        self.decision_price = event.decision_price if self.decision_price is None else self.decision_price
        self.decision_ns = self.decision_ns or event.decision_ns
        self.tick_ns = self.tick_ns or event.tick_ns

    def _note_times(self, event: OrderEvent) -> None:
        name, sent_ns = event.event, self.sent_ns
        if event.sent_ns > sent_ns.get(name, 0):
            sent_ns[name] = event.sent_ns
        if event.replayed:
            self.replayed_events.add(name)
        else:
            stamps = stamps_of(event)
            self._stamp(name if event.alias is None else stamp_key(name, event.alias), stamps)
            if name == "fill":
                self._stamp(LAST_FILL, stamps)

    def _stamp(self, key: str, stamps: Stamps) -> None:
        known = self.stamps.get(key)
        if known:
            stamps = (latest if key == LAST_FILL or "_request" in key else earliest)(known, stamps)
        self.stamps[key] = stamps
        if len(self.stamps) > MAX_STAMPS:
            self._forget_stamps()

    def _forget_stamps(self) -> None:
        """Leaves half of those of replaces, which have been measured long ago; all others are one of each event."""
        of_replaces = [key for key in self.stamps if " " in key]
        for key in of_replaces[: len(of_replaces) // 2]:
            del self.stamps[key]
        self.measured = {stage for stage in self.measured if " " not in stage or stage in self.stamps}

    def _note_submit(self, event: OrderEvent) -> None:
        self.submitted = True
        self._note_terms(event)

    def _note_ack(self, _event: OrderEvent) -> None:
        self.acked = True

    def _note_end(self, event: OrderEvent) -> None:
        self.end = max(self.end, ENDS[event.event])

    def _note_terms(self, event: OrderEvent) -> None:
        place = (event.event == "replace", event.event_ns, event.alias or "")
        if event.qty is not None:
            self.ordered_qty = _newer(self.ordered_qty, Version(*place, event.qty))
        if event.price is not None:
            self.ordered_price = _newer(self.ordered_price, Version(*place, event.price))

    def absorb(self, other: "BotOrder") -> None:
        """Takes over all facts of what turned out to be the same order under another id."""
        for name in ("source", "strategy", "venue", "symbol", "side", "order_type", "tif", "decision_ns", "tick_ns"):
            setattr(self, name, getattr(self, name) or getattr(other, name))
        for name in ("arrival_price", "decision_price"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))
        self.submitted |= other.submitted
        self.acked |= other.acked
        self.end = max(self.end, other.end)
        self.ordered_qty = _newer(self.ordered_qty, other.ordered_qty)
        self.ordered_price = _newer(self.ordered_price, other.ordered_price)
        for event, stamps in other.stamps.items():
            self._stamp(event, stamps)
        for event, sent_ns in other.sent_ns.items():
            self.sent_ns[event] = max(self.sent_ns.get(event, 0), sent_ns)
        self.seen |= other.seen
        self.replayed_events |= other.replayed_events
        self.measured |= other.measured
        self.touched_ns = max(self.touched_ns, other.touched_ns)
        self.booking.counted |= other.booking.counted
        self.booking.fee_values = other.booking.fee_values | self.booking.fee_values
        self.booking.uncompared |= other.booking.uncompared
        self.booking.absorb_end(other.booking)
        self.executions.absorb(other.executions)
        self.derive()


_NOTES: Final[dict[str, Callable[[BotOrder, OrderEvent], None]]] = {
    "submit": BotOrder._note_submit,  # noqa: SLF001 - its own table
    "ack": BotOrder._note_ack,  # noqa: SLF001
    "replace": BotOrder._note_terms,  # noqa: SLF001
    **dict.fromkeys(ENDS, BotOrder._note_end),  # noqa: SLF001
}
"""What else is noted of an event, by its name."""


def stamp_key(event: str, alias: str | None) -> str:
    """Under which an event's stamps are kept: replaces of one order are told apart by their alias."""
    return f"{event} {alias}" if alias is not None and event.startswith("replace") else event
