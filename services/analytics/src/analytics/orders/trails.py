"""The events of each order as they came, for people: nothing is computed from them.

    of one order    first 16 │ (left out) │ last 32
    in all          10,000 events; beyond, the trail that ended first goes, then the open one that is quiet longest

An event is kept as it came, and packed when somebody first asks for it or a checkpoint takes it: of twenty thousand a
second most are gone before. In a checkpoint trails are in segments, so that only those that changed are written.
"""

from collections import OrderedDict
from typing import Any, Final, TypeAlias

import msgspec

from analytics.checkpoint.parts import State
from analytics.orders.order_states import Outcome
from analytics.orders.registry import Key
from analytics.orders.segments import Segments
from telemetry_schema import OrderEvent

FIRST_EVENTS: Final = 16
LAST_EVENTS: Final = 32
MAX_EVENTS: Final = 10_000

_OPTIONAL: Final = (
    *("seen_ns", "seen_by", "cum_qty", "fee", "fee_currency", "liquidity"),
    *("exec_id", "ref_exec_id", "alias", "reason", "text"),
)
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(dict[str, Any]).decode


class SeenEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with its outcome and when it was received, UTC epoch nanoseconds."""

    event: OrderEvent
    outcome: Outcome
    at_ns: int


KeptEvent: TypeAlias = SeenEvent | bytes
"""An event as it came, or packed."""


class Trail(msgspec.Struct, gc=False):
    """The events of one order; between the first and the last ones `left_out` are missing."""

    events: list[KeptEvent] = msgspec.field(default_factory=list)
    left_out: int = 0
    ended: bool = False

    def add(self, event: KeptEvent) -> int:
        """Adds one; by how many it has grown."""
        self.events.append(event)
        if len(self.events) <= FIRST_EVENTS + LAST_EVENTS:
            return 1
        del self.events[FIRST_EVENTS]
        self.left_out += 1
        return 0

    def packed(self) -> list[bytes]:
        """The events, packed; they stay so."""
        packed = [event if isinstance(event, bytes) else _pack(_fields(event)) for event in self.events]
        self.events[:] = packed
        return packed

    def moments(self) -> list[dict[str, Any]]:
        """The events as the fields of an `OrderMoment`."""
        return [_unpack(event) for event in self.packed()]


class Trails:
    """The trails of the orders that changed last."""

    def __init__(self, *, max_events: int = MAX_EVENTS) -> None:
        self._max_events, self._events = max_events, 0
        self._open: OrderedDict[Key, Trail] = OrderedDict()
        self._ended: OrderedDict[Key, Trail] = OrderedDict()
        self._changed: OrderedDict[Key, None] = OrderedDict()
        self._segments: Segments[Key] = Segments(self._row)

    def see(self, key: Key, event: SeenEvent, *, ended: bool) -> None:
        """Keeps an event of an order; whether the order has ended with it."""
        trail = self._to_change(key)
        self._events += trail.add(event)
        self._file(key, trail, ended=ended)
        self._changed[key] = None
        self._changed.move_to_end(key)
        while self._events > self._max_events and len(self._open) + len(self._ended) > 1:
            self.forget(next(iter(self._ended or self._open)))

    def _to_change(self, key: Key) -> Trail:
        """The trail of a key, which is about to change; a new one, if there is none."""
        trail = self._open.get(key) or self._ended.get(key)
        if trail is not None:
            self._segments.touch(key)
            return trail
        self._segments.add(key)
        return Trail()

    def _file(self, key: Key, trail: Trail, *, ended: bool) -> None:
        """Puts a trail last among those whose order has ended, or has not."""
        files, others = (self._ended, self._open) if ended else (self._open, self._ended)
        if trail.ended is not ended:
            others.pop(key, None)
            trail.ended = ended
        files[key] = trail
        files.move_to_end(key)

    def join(self, name: Key, key: Key) -> None:
        """Makes the events of what turned out to be the same order those of `key`."""
        other = self.get(name)
        self.forget(name)
        if other is None:
            return
        trail = self._to_change(key)
        events = sorted([*other.packed(), *trail.packed()], key=lambda event: int(_unpack(event)["received_ns"]))
        self._events -= len(trail.events)
        trail.events.clear()
        trail.left_out += other.left_out
        self._events += sum(trail.add(event) for event in events)
        self._file(key, trail, ended=trail.ended)

    def forget(self, key: Key) -> None:
        """Drops an order's events."""
        self._changed.pop(key, None)
        self._segments.remove(key)
        trail = self._open.pop(key, None) or self._ended.pop(key, None)
        if trail is not None:
            self._events -= len(trail.events)

    def get(self, key: Key) -> Trail | None:
        """The events of an order, if they are still kept."""
        return self._open.get(key) or self._ended.get(key)

    def take_changed(self) -> list[Key]:
        """The orders that changed since this was asked last, the newest first."""
        changed = list(reversed(self._changed))
        self._changed.clear()
        return changed

    def _row(self, key: Key) -> list[object]:
        """What is saved of a trail: its key and itself."""
        trail = self._open[key] if key in self._open else self._ended[key]
        return [key, trail.packed(), trail.left_out, trail.ended]

    def state(self) -> State:
        """All of them, in segments."""
        return self._segments.state()

    def restore(self, state: State) -> None:
        """Takes them over; in the order in which their orders were first heard of."""
        for put, rows in self._segments.restore(state):
            for names, events, left_out, ended in rows:
                key = Key(*names)
                put(key)
                (self._ended if ended else self._open)[key] = Trail(list(events), left_out, ended)
                self._events += len(events)


def _fields(seen: SeenEvent) -> dict[str, object]:
    """What is kept of an event; fields that are as they mostly are, are left out."""
    event = seen.event
    found: dict[str, object] = {
        "event": event.event,
        "outcome": seen.outcome,
        "source": event.source,
        "event_ns": event.event_ns,
        "clock": event.clock,
        "sent_ns": event.sent_ns,
        "received_ns": seen.at_ns,
    }
    price = event.avg_price if event.price is None else event.price
    terms = (event.qty, price) if event.last_qty is None else (event.last_qty, event.last_price)
    found |= {name: value for name, value in zip(("qty", "price"), terms, strict=True) if value is not None}
    found |= {name: value for name in _OPTIONAL if (value := getattr(event, name)) is not None}
    if event.resolution_ns != 1:
        found["resolution_ns"] = event.resolution_ns
    if event.replayed:
        found["replayed"] = True
    return found
