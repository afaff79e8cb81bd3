"""The ticket on the page: hands its orders on, answers each in the run that it caused, and feeds it prices."""

import streamlit as st

from telemetry_ticket import PickFacts, TicketFacts, read_ticket_event, ticket, ticket_feed
from ui.page.model import presses, ticket_facts
from ui.page.model.hub import DataLink
from ui.page.widgets import chosen

EVERY_S = 0.5
ANSWER_WITHIN_S = 0.15
"""How long a press waits for its answer, to be drawn with it. The session's other pieces wait as long."""

_KEY, _PICK, _OPEN = "ticket", "ticket_pick", "ticket_open_orders"


def show(link: DataLink, page: str) -> None:
    """Draws the ticket on the page of this address."""
    _ticket(link, page)
    with st.container(key="ticket-feed"):
        _feed(link, page)


@st.fragment
def _ticket(link: DataLink, page: str) -> None:
    # In a callback, as that runs before anything is drawn: no redraw in between can swallow an order.
    ticket(_facts(link, page), key=_KEY, on_order=lambda: _take(link))


@st.fragment(run_every=EVERY_S)
def _feed(link: DataLink, page: str) -> None:
    ticket_feed(_facts(link, page), key="ticket_feed")


def _facts(link: DataLink, page: str) -> TicketFacts:
    view, state = link.view, st.session_state
    known = {one: presses.answer_to(link, one) for one in state.get(_OPEN, ())}
    return ticket_facts.ticket(
        view,
        link.now(),
        page=page,
        selected=_selected(link),
        pick=state.get(_PICK),
        answers={str(one): answer for one, answer in known.items() if answer is not None},
    )


def _take(link: DataLink) -> None:
    state = st.session_state
    event = read_ticket_event(state[_KEY].order)
    if event is None:
        return
    pick = PickFacts(by=event.by, count=event.count)
    # With each order comes the symbol again. It is no new choice: somebody may have clicked on another one's row since.
    if event.count and event.symbol and pick != state.get(_PICK):
        chosen.choose_symbol(event.symbol, link.now())
    state[_PICK] = pick
    for order in event.orders:
        presses.take_order(link, order)
    state[_OPEN] = [order.id for order in event.orders]
    link.wait_for(state[_OPEN], ANSWER_WITHIN_S)


def _selected(link: DataLink) -> str | None:
    """The symbol that is looked at on all pages; who has chosen none yet gets the desk's first one, and keeps it.

    It stays while the desk has no price of it, too: after its start a desk knows none, and learns them one by one. With
    another symbol on the ticket in the meantime, a press would trade that one, or nothing.
    """
    now, status = link.now(), link.view.status
    symbol = chosen.read(now).symbol
    if symbol is None and status is not None and status.desk is not None and status.desk.symbols:
        symbol = status.desk.symbols[0]
        chosen.choose_symbol(symbol, now)
    return symbol
