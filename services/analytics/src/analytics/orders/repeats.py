"""By what an order knows a repeat of an event: most come once, some are told apart by their alias or their time."""

from typing import Final, TypeAlias

from telemetry_schema import OrderEvent

EventKey: TypeAlias = tuple[str, str]
"""An event's name and, if an order may have several of that name, what tells it from the others."""

_REPEATABLE: Final = frozenset(
    {"cancel_request", "cancel_reject", "replace_request", "replace", "replace_reject", "status", "unknown"}
)
"""Events that an order may have several of."""

_ASKED: Final = frozenset({"status", "unknown"})
"""Of these an order that rests for days may have one each second."""

MAX_SEEN: Final = 1_000
"""Events by which an order knows a repeat: beyond it the oldest go, and a repeat of one counts as another event."""


def event_key(event: OrderEvent) -> EventKey:
    """The same for a repeat of an event, and for no other event of its order."""
    name = event.event
    if name not in _REPEATABLE:
        return name, ""
    if event.alias is not None and name in {"replace", "replace_request", "replace_reject"}:
        return name, event.alias
    return name, str(event.event_ns)


def most_worth(seen: set[EventKey]) -> set[EventKey]:
    """Half of them: first those go that ask where an order is, of each kind the oldest."""
    by_worth = sorted(seen, key=lambda key: (not key[1], key[0] not in _ASKED, len(key[1]), key[1]))
    return set(by_worth[len(by_worth) // 2 :])
