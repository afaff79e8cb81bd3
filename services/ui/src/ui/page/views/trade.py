"""Trade: the ticket, the blotter and the paper account."""

from collections.abc import Hashable

import streamlit as st
import streamlit_shadcn_ui as ui

from telemetry_schema import DeskState
from ui.page.model import formats, orders
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.page.widgets import blotter, session, style, ticket

EVERY_S = 0.5


def show(link: DataLink) -> None:
    """Draws the page."""
    desk = link.view.status.desk if link.view.status else None
    left, right = st.columns([1, 2.6])
    with left:
        with st.container(border=True, key="ticket-card"):
            ticket.show(link)
        if desk is not None:
            with st.container(border=True, key="limits-card"):
                _limits(desk, link.view)
    with right:
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


@st.fragment(run_every=EVERY_S)
def _live(link: DataLink) -> None:
    view = link.view
    desk = view.status.desk if view.status else None
    _account(desk)
    quotes, positions = st.columns([1, 1.75])
    with quotes, st.container(border=True, key="quotes"):
        style.title("Quotes", f"change over 1m{view.cut}")
        st.html(blotter.quotes(view))
    with positions, st.container(border=True, key="positions"):
        style.title("Positions", "average cost, valued at the last price")
        st.html(blotter.positions(desk))
    with st.container(border=True, key="blotter"):
        style.title("Blotter", f"{len(view.commands)} sent by all sessions, newest first, UTC")
        st.html(blotter.blotter(view))


def _account(desk: DeskState | None) -> None:
    held = desk.positions if desk else []
    unrealised, realised = sum(one.unrealised for one in held), sum(one.realised for one in held)
    gross = sum(abs(one.qty * one.last_price) for one in held if one.last_price is not None)
    cells = st.columns(4)
    profit = unrealised + realised
    cells[0].metric("Profit", formats.money(profit), border=True)
    cells[1].metric("Realised", formats.money(realised), border=True)
    cells[2].metric("Unrealised", formats.money(unrealised), border=True)
    cells[3].metric("Gross exposure", f"{gross:,.2f}", border=True)
