"""What tells a repeat of an event from another event of its name."""

from typing import Final

from telemetry_schema import OrderEvent

REPEATABLE: Final = frozenset(
    {"cancel_request", "cancel_reject", "replace_request", "replace", "replace_reject", "status", "unknown"}
)
"""Events that an order may have several of, told apart by their alias or their time."""

ASKED: Final = frozenset({"status", "unknown"})
"""Of these an order that rests for days may have one each second."""

MAX_SEEN: Final = 1_000
"""Events by which an order knows a repeat: beyond it the oldest go, and a repeat of one counts as another event."""


def repeat_key(event: OrderEvent) -> str:
    """What tells an event of `REPEATABLE` from others of its name."""
    if event.event in {"replace", "replace_request", "replace_reject"} and event.alias is not None:
        return event.alias
    return str(event.event_ns)
