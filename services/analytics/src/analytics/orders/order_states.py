"""The states of an order, how it ends, and what an event is to an order that has ended."""

from enum import IntEnum, StrEnum
from typing import Final

from telemetry_schema import OrderEventName


class End(IntEnum):
    """How an order ended; of two ends the larger stands."""

    NONE = 0
    CANCELLED = 1
    EXPIRED = 2
    REJECTED = 3
    DENIED = 4


class OrderState(StrEnum):
    """Where an order is in its life."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DENIED = "denied"


class Outcome(StrEnum):
    """What an event brought; each event has exactly one."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    LATE = "late"
    ORPHAN = "orphan"
    SECOND_SOURCE = "second_source"


ENDS: Final[dict[OrderEventName, End]] = {
    "cancel": End.CANCELLED,
    "expire": End.EXPIRED,
    "reject": End.REJECTED,
    "deny": End.DENIED,
}
END_STATES: Final = {
    End.CANCELLED: OrderState.CANCELLED,
    End.EXPIRED: OrderState.EXPIRED,
    End.REJECTED: OrderState.REJECTED,
    End.DENIED: OrderState.DENIED,
}
ENDED: Final = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.DENIED}
)


def outcome_after_end(before: OrderState, event: OrderEventName) -> Outcome:
    """How an event that has not come before stands to the end it meets; it is taken in whatever this says."""
    refused = before in {OrderState.REJECTED, OrderState.DENIED}
    if event in {"submit", "trigger", "cancel_request", "replace_request"}:
        return Outcome.LATE
    if event == "ack":
        return Outcome.CONFLICT if refused else Outcome.LATE
    if event in ENDS:
        return _second_end(before, event, refused=refused)
    if event == "replace":
        return Outcome.APPLIED if before is OrderState.FILLED else Outcome.CONFLICT
    return Outcome.APPLIED


def _second_end(before: OrderState, event: OrderEventName, *, refused: bool) -> Outcome:
    if before is OrderState.FILLED:
        return Outcome.CONFLICT if event in {"reject", "deny"} else Outcome.LATE
    if refused or event in {"reject", "deny"}:
        return Outcome.CONFLICT
    return Outcome.DUPLICATE if ENDS[event] is End[before.name] else Outcome.CONFLICT
