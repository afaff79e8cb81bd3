"""The events of each order as they came, for people: nothing is computed from them.

    of one order    first 16 │ (left out) │ last 32
    in all          10,000 events; beyond, the trail that ended first goes, then the open one that is quiet longest

An event is kept packed: about 200 bytes, and a checkpoint copies them as they are.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from analytics.checkpoint.parts import State
from analytics.orders.order import BotOrder, Outcome
from analytics.orders.registry import Key
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


@dataclass(slots=True)
class Trail:
    """The events of one order, packed; between the first and the last ones `left_out` are missing."""

    events: list[bytes] = field(default_factory=list)
    left_out: int = 0

    def add(self, event: bytes) -> int:
        """Adds one; by how many it has grown."""
        self.events.append(event)
        if len(self.events) <= FIRST_EVENTS + LAST_EVENTS:
            return 1
        del self.events[FIRST_EVENTS]
        self.left_out += 1
        return 0

    def moments(self) -> list[dict[str, Any]]:
        """The events as the fields of an `OrderMoment`."""
        return [_unpack(event) for event in self.events]


class Trails:
    """The trails of the orders that changed last."""

    def __init__(self, *, max_events: int = MAX_EVENTS) -> None:
        self._max_events, self._events = max_events, 0
        self._open: OrderedDict[Key, Trail] = OrderedDict()
        self._ended: OrderedDict[Key, Trail] = OrderedDict()
        self._changed: dict[Key, None] = {}

    def see(self, order: BotOrder, event: OrderEvent, outcome: Outcome, now_ns: int, *, ended: bool) -> None:
        """Keeps an event; whether its order has ended with it."""
        key = Key(order.account, order.order_id)
        trail = self._pop(key) or Trail()
        self._events += trail.add(_pack(_fields(event, outcome, now_ns)))
        (self._ended if ended else self._open)[key] = trail
        self._changed.pop(key, None)
        self._changed[key] = None
        while self._events > self._max_events and len(self._open) + len(self._ended) > 1:
            self.forget(next(iter(self._ended or self._open)))

    def join(self, name: Key, key: Key) -> None:
        """Makes the events of what turned out to be the same order those of `key`."""
        self._changed.pop(name, None)
        other = self._pop(name)
        if other is None:
            return
        trail = self._pop(key) or Trail()
        self._events -= len(trail.events) + len(other.events)
        joined = Trail(left_out=trail.left_out + other.left_out)
        for event in sorted([*other.events, *trail.events], key=lambda event: int(_unpack(event)["received_ns"])):
            self._events += joined.add(event)
        self._open[key] = joined

    def forget(self, key: Key) -> None:
        """Drops an order's events."""
        self._changed.pop(key, None)
        if trail := self._pop(key):
            self._events -= len(trail.events)

    def get(self, key: Key) -> Trail | None:
        """The events of an order, if they are still kept."""
        return self._open.get(key) or self._ended.get(key)

    def take_changed(self) -> list[Key]:
        """The orders that changed since this was asked last, the newest first."""
        changed = list(reversed(self._changed))
        self._changed.clear()
        return changed

    def state(self) -> State:
        """All of them."""
        return {"open": _saved(self._open), "ended": _saved(self._ended)}

    def restore(self, state: State) -> None:
        """Takes them over."""
        for trails, saved in ((self._open, state["open"]), (self._ended, state["ended"])):
            trails.update((Key(*key), Trail(list(events), left_out)) for key, events, left_out in saved)
            self._events += sum(len(trail.events) for trail in trails.values())

    def _pop(self, key: Key) -> Trail | None:
        return self._open.pop(key, None) or self._ended.pop(key, None)


def _saved(trails: Mapping[Key, Trail]) -> list[tuple[Key, list[bytes], int]]:
    return [(key, list(trail.events), trail.left_out) for key, trail in trails.items()]


def _fields(event: OrderEvent, outcome: Outcome, now_ns: int) -> dict[str, object]:
    """What is kept of an event; fields that are as they mostly are, are left out."""
    executed = event.last_qty is not None
    found: dict[str, object] = {
        "event": event.event,
        "outcome": outcome,
        "source": event.source,
        "event_ns": event.event_ns,
        "clock": event.clock,
        "sent_ns": event.sent_ns,
        "received_ns": now_ns,
    }
    price = event.avg_price if event.price is None else event.price
    terms = (event.last_qty, event.last_price) if executed else (event.qty, price)
    found |= {name: value for name, value in zip(("qty", "price"), terms, strict=True) if value is not None}
    found |= {name: value for name in _OPTIONAL if (value := getattr(event, name)) is not None}
    if event.resolution_ns != 1:
        found["resolution_ns"] = event.resolution_ns
    if event.replayed:
        found["replayed"] = True
    return found
