"""The two components: registered when they are drawn for the first time, by files that the browser gets once."""

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from telemetry_ticket.facts import KillSwitchFacts, TicketFacts

Mount = Callable[..., Any]


@cache
def _mount(name: str) -> Mount:
    # Once a process: Streamlit warns of a name that is registered twice.
    return st.components.v2.component(f"telemetry-ticket.{name}", js=f"{name}.js", css="ticket.css")


def ticket(facts: TicketFacts, *, key: str, on_order: Callable[[], None]) -> None:
    """Draws the ticket.

    `on_order` is called before anything is redrawn; `st.session_state[key].order` then holds what `read_ticket_event`
    reads. Orders belong there and not after this call: a run of the script can be broken off, a callback is not.
    """
    _mount("ticket")(key=key, data={"role": "shown", "facts": facts}, on_order_change=on_order)


def ticket_feed(facts: TicketFacts, *, key: str) -> None:
    """Sends the ticket news without drawing it: see assets/stage.js. Shows nothing."""
    _mount("ticket")(key=key, data={"role": "feed", "facts": facts})


def kill_switch(facts: KillSwitchFacts, *, key: str, on_switch: Callable[[], None]) -> None:
    """Draws the kill switch; in `on_switch`, `st.session_state[key].switch` is for `read_switch_event`."""
    _mount("kill_switch")(key=key, data={"role": "shown", "facts": facts}, on_switch_change=on_switch)


def kill_switch_feed(facts: KillSwitchFacts, *, key: str) -> None:
    """The same for the kill switch."""
    _mount("kill_switch")(key=key, data={"role": "feed", "facts": facts})
