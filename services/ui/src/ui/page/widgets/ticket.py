"""The ticket: a form, so that what is sent is what is on the screen, whichever way it is sent."""

import uuid

import streamlit as st

from telemetry_schema import KillSwitch, TradeCommand
from ui.commands import command_view
from ui.page.model import formats, orders
from ui.page.model.answers import describe
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.page.widgets import style
from ui.wire import CommandView

STATUS_EVERY_S = 0.25
AS_SENT = "%.10g"
"""A field's digits: a number of fixed decimals would show 0.00001234 as nothing, and send it."""
NO_ANSWER_AFTER_NS = 2_000_000_000
_LAST, _DRAWN, _TO_CONFIRM = "last_order", "drawn_after", "order_to_confirm"
_OBJECTION, _TOASTED = "ticket_objection", "toasted"


def show(link: DataLink) -> None:
    """Draws the ticket, the question before a large order, and the answer to the last one."""
    desk = link.view.status.desk if link.view.status else None
    style.title("Order ticket", "paper account" if desk is None else f"account {desk.account}")
    with st.form("ticket", enter_to_submit=False, border=False):
        st.selectbox("Symbol", desk.symbols if desk else [], key="ticket_symbol", placeholder="No prices yet")
        st.number_input("Quantity", min_value=0.0, value=0.1, step=0.1, format=AS_SENT, key="ticket_qty")
        st.number_input(
            "Limit price",
            min_value=0.0,
            value=None,
            step=0.01,
            format=AS_SENT,
            key="ticket_price",
            placeholder="Market",
        )
        buy, sell = st.columns(2)
        with buy:
            _side_button(link, "buy", "Alt+B")
        with sell:
            _side_button(link, "sell", "Alt+S")
    if (order := st.session_state.pop(_TO_CONFIRM, None)) is not None:
        _confirm(link, order)
    _last_answer(link)
    _note_drawn(link)


def _side_button(link: DataLink, side: str, shortcut: str) -> None:
    # A callback runs before anything is drawn, so that no redraw in between can swallow the click.
    st.form_submit_button(
        formats.side(side), key=side, shortcut=shortcut, width="stretch", on_click=_press, args=(link, side)
    )


def _press(link: DataLink, side: str) -> None:
    state = st.session_state
    ticket = orders.Ticket(state["ticket_symbol"], side, state["ticket_qty"], state["ticket_price"])
    state[_OBJECTION] = orders.objection(ticket)
    if state[_OBJECTION]:
        return
    view = link.view
    order = orders.command(ticket, source=_source(view), command_id=uuid.uuid4(), now_ns=link.now_ns())
    above = view.state.confirm_notional if view.state else 0.0
    if orders.needs_confirmation(order, _last_price(view, order.symbol), above):
        state[_TO_CONFIRM] = order
    elif orders.is_double_click(order, state.get(_LAST), _drawn_ns(order.sent_ns)):
        st.toast("The same order again at once was taken for a double click: it was sent once.")
    else:
        _send(link, order)


def _drawn_ns(now_ns: int) -> int:
    """When the page was drawn after the last order; now, if it has not been."""
    order, drawn = st.session_state.get(_LAST), st.session_state.get(_DRAWN)
    return drawn[1] if order is not None and drawn is not None and drawn[0] == order.command_id else now_ns


def _note_drawn(link: DataLink) -> None:
    order, drawn = st.session_state.get(_LAST), st.session_state.get(_DRAWN)
    if order is not None and (drawn is None or drawn[0] != order.command_id):
        st.session_state[_DRAWN] = (order.command_id, link.now_ns())


def send_kill_switch(link: DataLink, *, engaged: bool) -> None:
    """Engages or releases the kill switch."""
    _send(
        link,
        KillSwitch(command_id=uuid.uuid4(), source=_source(link.view), engaged=engaged, sent_ns=link.now_ns()),
    )


def _send(link: DataLink, order: TradeCommand | KillSwitch) -> None:
    if link.submit(order):
        st.session_state[_LAST] = order
        st.session_state[_OBJECTION] = None
    else:
        st.session_state[_OBJECTION] = "Not sent: the page's own queue is full. Nothing was traded; try again."


def _source(view: PageView) -> str:
    return view.state.source if view.state else "ui"


def _last_price(view: PageView, symbol: str) -> float | None:
    summary = view.summary(symbol)
    return summary.last_price if summary else None


@st.dialog("Send this order?")
def _confirm(link: DataLink, order: TradeCommand) -> None:
    """Asks before a large order. The order is frozen: what is asked about is what is sent."""
    last = _last_price(link.view, order.symbol)
    worth = orders.notional(order, last)
    at = f"at {formats.exact(order.price)}" if order.price else f"at market, now {formats.price(last)}"
    st.markdown(f"**{formats.side(order.side)} {formats.exact(order.qty)} {order.symbol}** {at}")
    st.markdown(
        f"Worth about **{formats.NONE if worth is None else f'{worth:,.2f}'}**, which is above the limit for asking."
    )
    send, cancel = st.columns(2)
    if send.button("Send order", type="primary", width="stretch", key="confirm-send"):
        _send(link, order.model_copy(update={"sent_ns": link.now_ns()}))
        st.rerun()
    if cancel.button("Cancel", width="stretch", key="confirm-cancel"):
        st.rerun()


@st.fragment(run_every=STATUS_EVERY_S)
def _last_answer(link: DataLink) -> None:
    if text := st.session_state.get(_OBJECTION):
        st.error(text)
        return
    order = st.session_state.get(_LAST)
    if order is None:
        st.caption("Tab moves on, Enter on a button presses it. An empty price is a market order.")
        return
    command = link.view.command(order.command_id) or _unanswered(order, link.now_ns())
    answer = describe(command)
    {"good": st.success, "bad": st.error, "warn": st.warning, "wait": st.info}[answer.tone](answer.text)
    key = (command.command_id, command.status)
    if answer.is_final and st.session_state.get(_TOASTED) != key:
        st.session_state[_TOASTED] = key
        st.toast(answer.text)


def _unanswered(order: TradeCommand | KillSwitch, now_ns: int) -> CommandView:
    """The order as long as the main process has not confirmed that it has it."""
    return command_view(order, "no_answer" if now_ns - order.sent_ns > NO_ANSWER_AFTER_NS else "sent")
