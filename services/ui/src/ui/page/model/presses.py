"""What is done with what was pressed: each id once, however often it comes; and what is said about it.

A ticket repeats an order until it is answered, and after two seconds only asks about it (`ask`): what is not known by
then never arrived, and is barred from being sent late.
"""

from typing import Final
from uuid import UUID, uuid4

from telemetry_schema import CancelAll, CancelOrder, DeskCommand, TradeCommand
from telemetry_ticket import Answer, PressedOrder, PressedSwitch
from ui.page.model import answers, orders
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView

MAX_AGE_NS: Final = 3_000_000_000
"""From the press to here. What was held up longer is for a market that is gone, and its sender gave up on it."""

_NS_PER_MS: Final = 1_000_000


def take_order(link: DataLink, pressed: PressedOrder) -> None:
    """Sends an order on, or notes why not. One whose id is known changes nothing."""
    if _is_known(link, pressed.id) or (pressed.ask and link.view.state is None) or not link.orders.claim(pressed.id):
        return
    if answer := _not_in_time(link, pressed) or _send_order(link, pressed):
        link.orders.answer(pressed.id, answer)


def take_switch(link: DataLink, pressed: PressedSwitch) -> None:
    """The same for the kill switch. To stop trading is never too late."""
    if _is_known(link, pressed.id) or not link.orders.claim(pressed.id):
        return
    late = None if pressed.engaged else _not_in_time(link, pressed)
    command = orders.switch(pressed, source=_source(link.view), now_ns=link.now_ns())
    if answer := late or _submit(link, command):
        link.orders.answer(pressed.id, answer)


def cancel(link: DataLink, order_id: UUID) -> None:
    """Cancels a resting order, unless a cancel of it is under way."""
    under_way = any(one.order_id == order_id and one.status == "sent" for one in link.view.commands)
    if not under_way:
        source, now_ns = _source(link.view), link.now_ns()
        link.submit(CancelOrder(command_id=uuid4(), source=source, order_id=order_id, sent_ns=now_ns))


def cancel_all(link: DataLink) -> None:
    """Cancels all resting orders of the desk."""
    link.submit(CancelAll(command_id=uuid4(), source=_source(link.view), sent_ns=link.now_ns()))


def answer_to(link: DataLink, command_id: UUID) -> Answer | None:
    """What is known of an order; None if it is not known here."""
    if (command := link.view.command(command_id)) is not None:
        return answers.for_ticket(command)
    return link.orders.find(command_id)


def _is_known(link: DataLink, command_id: UUID) -> bool:
    return link.view.command(command_id) is not None


def _not_in_time(link: DataLink, pressed: PressedOrder | PressedSwitch) -> Answer | None:
    pressed_ns, state = round(pressed.pressed_ms * _NS_PER_MS), link.view.state
    if pressed.ask:
        if state is not None and state.started_ns > pressed_ns:
            return _final("its outcome is not known: the page was started again since. Look at the positions.")
        return _final("was not sent: it never arrived. Nothing was traded.")
    late_ns = link.now_ns() - pressed_ns
    if late_ns <= MAX_AGE_NS:
        return None
    return _final(f"was not sent: it took {late_ns / 1e9:,.0f} s to arrive. Nothing was traded; press again.")


def _send_order(link: DataLink, pressed: PressedOrder) -> Answer | None:
    view = link.view
    try:
        order = orders.command(pressed, source=_source(view), now_ns=link.now_ns())
    except orders.UnsendableOrderError as error:
        return Answer(text=f"was not sent: {error}. Nothing was traded.", tone="bad", final=True)
    if not pressed.confirmed and _must_be_asked(view, order):
        return Answer(text="is above what is sent without asking", tone="warn", final=True, confirm=True)
    return _submit(link, order)


def _must_be_asked(view: PageView, order: TradeCommand) -> bool:
    if view.status is not None and view.status.desk is not None and view.status.desk.kill_switch:
        return False  # it will be refused, and the desk says so
    summary = view.summary(order.symbol)
    above = view.state.confirm_notional if view.state else 0.0
    return orders.needs_confirmation(order, summary.last_price if summary else None, above)


def _submit(link: DataLink, command: DeskCommand) -> Answer | None:
    if link.submit(command):
        return None
    return _final("was not sent: the page's own queue is full. Nothing was done; try again.")


def _final(text: str) -> Answer:
    return Answer(text=text, tone="warn", final=True)


def _source(view: PageView) -> str:
    return view.state.source if view.state else "ui"
