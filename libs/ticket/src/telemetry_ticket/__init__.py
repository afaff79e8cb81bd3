"""The order ticket and the kill switch as Streamlit components: what they receive, and what they send."""

from telemetry_ticket.component import kill_switch, kill_switch_feed, ticket, ticket_feed
from telemetry_ticket.events import PressedOrder, PressedSwitch, TicketEvent, read_switch_event, read_ticket_event
from telemetry_ticket.facts import (
    Answer,
    KillSwitchFacts,
    LimitFacts,
    PickFacts,
    PositionFacts,
    QuoteFacts,
    TicketFacts,
    Tone,
)
from telemetry_ticket.numbers import UnreadableNumberError, read_number

__all__ = [
    "Answer",
    "KillSwitchFacts",
    "LimitFacts",
    "PickFacts",
    "PositionFacts",
    "PressedOrder",
    "PressedSwitch",
    "QuoteFacts",
    "TicketEvent",
    "TicketFacts",
    "Tone",
    "UnreadableNumberError",
    "kill_switch",
    "kill_switch_feed",
    "read_number",
    "read_switch_event",
    "read_ticket_event",
    "ticket",
    "ticket_feed",
]
