"""The kill switch in the top bar of every page."""

import streamlit as st

from telemetry_ticket import KillSwitchFacts, kill_switch, kill_switch_feed, read_switch_event
from ui.page.model import presses, ticket_facts
from ui.page.model.hub import DataLink

EVERY_S = 1.0
"""It changes seldom; a press is answered in its own run."""
ANSWER_WITHIN_S = 0.15
_KEY, _OPEN = "kill_switch", "kill_switch_open"
_PLACE = """<style>
[data-testid="stElementContainer"]:has(.tt-kill-place), .st-key-kill-feed, .st-key-ticket-feed {
  display: none !important; }
.st-key-kill-bar { position: fixed; top: 0; right: 3.75rem; width: auto !important; z-index: 999991;
  height: 3.75rem; justify-content: center; }
@media (max-width: 640px) { .st-key-kill-bar { right: 3.25rem; max-width: calc(100vw - 7rem); } }
</style><i class="tt-kill-place" hidden></i>"""


def show(link: DataLink) -> None:
    """Draws the switch, above everything that scrolls."""
    st.html(_PLACE)
    with st.container(key="kill-bar", width="content"):
        _switch(link)
    with st.container(key="kill-feed"):
        _feed(link)


@st.fragment
def _switch(link: DataLink) -> None:
    kill_switch(_facts(link), key=_KEY, on_switch=lambda: _take(link))


@st.fragment(run_every=EVERY_S)
def _feed(link: DataLink) -> None:
    kill_switch_feed(_facts(link), key="kill_switch_feed")


def _facts(link: DataLink) -> KillSwitchFacts:
    known = {one: presses.answer_to(link, one) for one in st.session_state.get(_OPEN, ())}
    answers = {str(one): answer for one, answer in known.items() if answer is not None}
    return ticket_facts.kill_switch(link.view, link.now(), answers=answers)


def _take(link: DataLink) -> None:
    state = st.session_state
    pressed = read_switch_event(state[_KEY].switch)
    for one in pressed:
        presses.take_switch(link, one)
    state[_OPEN] = [one.id for one in pressed]
    link.wait_for(state[_OPEN], ANSWER_WITHIN_S)
