"""Trade: the ticket, the blotter and the paper account."""

from collections.abc import Hashable
from functools import partial
from uuid import UUID

import streamlit as st
import streamlit_shadcn_ui as ui

from telemetry_schema import DeskState
from ui.page.model import orders, presses
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.page.widgets import account, blotter, boards, chosen, open_orders, session, style, ticket

ADDRESS = "trade"

_CSV = "blotter_csv"


def show(link: DataLink) -> None:
    """Draws the page."""
    desk = link.view.status.desk if link.view.status else None
    boards.start("trade")
    with st.container(key="trade-page", horizontal=True):
        with st.container(key="trade-left"):
            with st.container(border=True, key="ticket-card"):
                ticket.show(link, ADDRESS)
            if desk is not None:
                with st.container(border=True, key="limits-card"):
                    _limits(desk, link.view)
        with st.container(key="trade-right"):
            _live(link)
    session.redraw_when_changed(link, _fixed, _fixed(link.view))


def _fixed(view: PageView) -> Hashable:
    """What is drawn outside the fragments: it moves seldom, but it moves."""
    desk = view.status.desk if view.status else None
    if desk is None:
        return None
    above = view.state.confirm_notional if view.state else None
    return tuple(orders.limits(desk)), above


def _limits(desk: DeskState, view: PageView) -> None:
    style.title("Limits", "set at ingest")
    rows = [{"limit": name, "value": value} for name, value in orders.limits(desk)]
    if view.state is not None:
        rows.append({"limit": "Asks above", "value": f"{view.state.confirm_notional:,.0f}"})
    columns = [{"key": "limit", "label": "Limit"}, {"key": "value", "label": "Value", "align": "right"}]
    ui.table(rows, columns, key="limits")


@st.fragment(run_every=boards.EVERY_S)
def _live(link: DataLink) -> None:
    view = link.view
    now = link.now()
    selection = chosen.read(now)
    parts = account.parts(view, selection, now, chosen.zone(selection))
    if st.session_state.pop(_CSV, False):
        text = blotter.as_csv(blotter.filtered(view.commands, selection))
        parts["download"] = {"name": "blotter.csv", "text": text}
    boards.draw(link, "trade", parts, partial(_take, link))


def _take(link: DataLink, kind: str, value: object) -> None:
    match kind, value:
        case "csv", _:
            st.session_state[_CSV] = True
        case open_orders.CANCEL, [_, str(order)] if (order_id := _as_id(order)) is not None:
            presses.cancel(link, order_id)
        case open_orders.CANCEL_ALL, _:
            presses.cancel_all(link)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
