"""Every transition that nautilus_trader documents for its orders is applied here, and ends in the same state.

Facts of its state table as of July 2026, in words of ours: from a state, by a trigger. A state is reached by the events
on its path.
"""

import pytest

from analytics.orders.order import BotOrder
from analytics.orders.order_states import OrderState, Outcome
from telemetry_schema import OrderEvent
from tests.analytics.orders.histories import MS, T0, event, tracker

PATHS: dict[str, list[str]] = {
    "initialized": [],
    "emulated": [],
    "released": [],
    "submitted": ["submit"],
    "accepted": ["submit", "ack"],
    "triggered": ["submit", "ack", "trigger"],
    "pending_update": ["submit", "ack", "replace_request"],
    "pending_cancel": ["submit", "ack", "cancel_request"],
    "partially_filled": ["submit", "ack", "part"],
    "canceled": ["submit", "ack", "cancel"],
}

TRANSITIONS: dict[str, str] = {
    "initialized": "denied emulated released submitted rejected accepted canceled expired triggered",
    "emulated": "canceled expired released",
    "released": "denied submitted canceled",
    "submitted": "pending_update pending_cancel rejected canceled accepted partially_filled filled",
    "accepted": "rejected pending_update pending_cancel canceled triggered expired partially_filled filled",
    "canceled": "partially_filled filled",
    "pending_update": "rejected accepted canceled expired triggered submitted pending_update pending_cancel "
    "partially_filled filled",
    "pending_cancel": "rejected pending_cancel canceled expired accepted partially_filled filled",
    "triggered": "rejected pending_update pending_cancel canceled expired partially_filled filled",
    "partially_filled": "pending_update pending_cancel canceled expired partially_filled filled",
}
PAIRS = [(start, trigger) for start, triggers in TRANSITIONS.items() for trigger in triggers.split()]

TRIGGERS = {
    "denied": "deny",
    "submitted": "submit",
    "rejected": "reject",
    "accepted": "ack",
    "canceled": "cancel",
    "expired": "expire",
    "triggered": "trigger",
    "pending_update": "replace_request",
    "pending_cancel": "cancel_request",
    "partially_filled": "part",
    "filled": "rest",
}

ENDS = {
    "denied": OrderState.DENIED,
    "submitted": OrderState.PENDING,
    "rejected": OrderState.REJECTED,
    "accepted": OrderState.OPEN,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
    "partially_filled": OrderState.OPEN,
    "filled": OrderState.FILLED,
}


def _reported(kind: str, number: int) -> OrderEvent:
    at_ns = T0 + number * MS
    if kind in {"part", "rest"}:
        # 3 of 10 at a time, or all that is left and more than enough: quantities decide.
        return event("fill", at_ns=at_ns, exec_id=f"x-{number}", last_qty=3.0 if kind == "part" else 10.0)
    return event(kind, at_ns=at_ns, alias=f"a-{number}" if kind == "replace_request" else None)


def _follow(start: str, trigger: str) -> tuple[Outcome, BotOrder]:
    made = tracker()
    path = PATHS[start]
    if (start, trigger) == ("pending_update", "submitted"):
        path = ["replace_request"]
    if trigger == "accepted":
        # From a pending change, accepted says that the change has failed: the order stands as it was.
        answer = {"pending_update": "replace_reject", "pending_cancel": "cancel_reject"}.get(start, "ack")
    else:
        answer = TRIGGERS.get(trigger, "status")
    outcome = Outcome.APPLIED
    for number, kind in enumerate([*path, answer]):
        outcome = made.apply(_reported(kind, number), T0)
    order = made.registry.get("bot", "o-1")
    assert order is not None
    return outcome, order


def test_there_are_sixty_two_of_them() -> None:
    assert len(PAIRS) == 62


@pytest.mark.parametrize(("start", "trigger"), PAIRS)
def test_a_transition_is_applied(start: str, trigger: str) -> None:
    outcome, order = _follow(start, trigger)
    assert outcome in {Outcome.APPLIED, Outcome.ORPHAN}
    if (start, trigger) == ("canceled", "partially_filled"):
        # On purpose: after a cancel nothing is open any more, but the fill counts.
        assert (order.state, order.filled_qty) == (OrderState.CANCELLED, 3.0)
    elif trigger in ENDS and (start, trigger) != ("pending_update", "submitted"):
        assert order.state is ENDS[trigger]
    if trigger == "pending_cancel":
        assert order.waits_for("cancel_request")
    if trigger == "pending_update":
        assert order.waits_for("replace_request")
