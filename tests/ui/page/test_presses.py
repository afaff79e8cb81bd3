"""What is done with what was pressed in a browser: each id once, exactly as typed, never late; and the answers."""

from typing import Literal
from uuid import UUID, uuid4

import pytest

from telemetry_schema import KillSwitch, TradeCommand
from telemetry_ticket import PressedOrder, PressedSwitch
from tests.helpers.views import NOW_NS, S_NS, FakeLink, at, desk, page_state, status
from ui.page.model import answers, orders, presses
from ui.page.model.registry import MAX_IDS, OrderRegistry
from ui.wire import CommandStatus, CommandView

NOW_MS = NOW_NS / 1e6


def _order(**changes: object) -> PressedOrder:
    fields = {"id": uuid4(), "pressed_ms": NOW_MS, "side": "buy", "symbol": "BTC-USD", "qty": "0.5"}
    return PressedOrder.model_validate(fields | changes)


def _switch(*, engaged: bool = True, **changes: object) -> PressedSwitch:
    return PressedSwitch.model_validate({"id": uuid4(), "pressed_ms": NOW_MS, "engaged": engaged} | changes)


def _said(link: FakeLink, command_id: UUID) -> str:
    answer = presses.answer_to(link, command_id)
    assert answer is not None
    return answer["text"]


def _command(
    status: CommandStatus = "sent", kind: Literal["trade", "kill_switch"] = "trade", **changes: object
) -> CommandView:
    view = CommandView(command_id=uuid4(), kind=kind, symbol="BTC-USD", side="buy", qty=0.25, sent_ns=NOW_NS)
    return view.model_copy(update={"status": status} | changes)


@pytest.mark.parametrize(("qty", "price"), [("0,5", None), ("0.5", "60000,5"), ("0.50", "60000.5")])
def test_what_was_typed_is_what_is_sent_under_the_browsers_own_id(qty: str, price: str | None) -> None:
    link = FakeLink().live()
    pressed = _order(qty=qty, price=price, side="sell")
    presses.take_order(link, pressed)
    (sent,) = link.submitted
    assert isinstance(sent, TradeCommand)
    assert (sent.command_id, sent.symbol, sent.side, sent.qty) == (pressed.id, "BTC-USD", "sell", 0.5)
    assert (sent.price, sent.tif) == ((None, None) if price is None else (60_000.5, "gtc"))
    assert sent.sent_ns == NOW_NS


def test_an_order_that_comes_again_is_sent_once_whichever_session_it_comes_from() -> None:
    link = FakeLink().live()
    pressed = _order()
    for _ in range(5):
        presses.take_order(link, pressed)
    presses.take_order(link, pressed.model_copy(update={"ask": True}))
    assert len(link.submitted) == 1


def test_an_order_that_the_main_process_knows_is_not_sent_by_a_new_page_process() -> None:
    link = FakeLink().live()
    pressed = _order()
    link.answer(pressed.id, status="accepted", filled_price=60_000.0)
    presses.take_order(link, pressed)
    assert link.submitted == []
    assert "filled at 60,000.00" in _said(link, pressed.id)


def test_an_order_that_is_only_asked_about_is_barred_from_being_sent_late() -> None:
    link = FakeLink().live()
    asked = _order(ask=True)
    presses.take_order(link, asked)
    presses.take_order(link, asked.model_copy(update={"ask": False}))
    assert link.submitted == []
    assert "never arrived. Nothing was traded" in _said(link, asked.id)


def test_a_page_that_has_not_heard_of_the_main_process_yet_does_not_say_that_an_order_never_arrived() -> None:
    link = FakeLink()
    asked = _order(ask=True)
    presses.take_order(link, asked)
    assert presses.answer_to(link, asked.id) is None
    link.live()
    link.answer(asked.id, status="applied", filled_price=1.0)
    assert "applied" in _said(link, asked.id)


def test_the_outcome_of_an_order_from_before_the_main_process_is_not_known() -> None:
    link = FakeLink().live()
    asked = _order(ask=True, pressed_ms=NOW_MS - 2 * 3_600_000)
    presses.take_order(link, asked)
    assert "outcome is not known" in _said(link, asked.id)


def test_an_order_that_was_held_up_on_its_way_is_not_sent() -> None:
    link = FakeLink().live()
    late, in_time = _order(pressed_ms=NOW_MS - 3_100), _order(pressed_ms=NOW_MS - 2_900)
    presses.take_order(link, late)
    presses.take_order(link, in_time)
    assert [one.command_id for one in link.submitted] == [in_time.id]
    assert "it took 3 s to arrive" in _said(link, late.id)


@pytest.mark.parametrize("changes", [{"qty": "abc"}, {"qty": "1,500"}, {"qty": ""}, {"price": "0"}, {"symbol": "a\nb"}])
def test_what_is_no_order_is_refused_in_words_though_the_ticket_let_it_through(changes: dict[str, str]) -> None:
    link = FakeLink().live()
    pressed = _order(**changes)
    presses.take_order(link, pressed)
    assert link.submitted == []
    assert "was not sent" in _said(link, pressed.id)


def test_a_large_order_is_sent_only_if_it_was_asked_about() -> None:
    link = FakeLink().live()
    unasked, asked = _order(qty="2"), _order(qty="2", confirmed=True)
    presses.take_order(link, unasked)
    presses.take_order(link, asked)
    assert [one.command_id for one in link.submitted] == [asked.id]
    answer = presses.answer_to(link, unasked.id)
    assert answer is not None
    assert answer.get("confirm")


def test_with_the_kill_switch_engaged_nothing_is_asked_and_the_desk_refuses() -> None:
    link = FakeLink().live()
    link.model.apply(status(2, desk_state=desk(kill_switch=True)), at(NOW_NS))
    presses.take_order(link, _order(qty="2"))
    assert len(link.submitted) == 1


def test_a_full_queue_is_shown_and_the_order_is_not_sent_later() -> None:
    link = FakeLink().live()
    link.is_full = True
    pressed = _order()
    presses.take_order(link, pressed)
    assert "queue is full" in _said(link, pressed.id)
    link.is_full = False
    presses.take_order(link, pressed)
    assert link.submitted == []


def test_the_kill_switch_is_engaged_however_late_and_released_only_in_time() -> None:
    link = FakeLink().live()
    presses.take_switch(link, _switch(engaged=True, pressed_ms=NOW_MS - 60_000, ask=True))
    presses.take_switch(link, _switch(engaged=False, pressed_ms=NOW_MS - 60_000))
    press = _switch(engaged=False)
    presses.take_switch(link, press)
    presses.take_switch(link, press)
    sent = [one for one in link.submitted if isinstance(one, KillSwitch)]
    assert [one.engaged for one in sent] == [True, False]


def test_a_large_order_and_one_of_unknown_worth_need_confirmation() -> None:
    order = orders.command(_order(qty="1"), source="ui", now_ns=NOW_NS)
    assert not orders.needs_confirmation(order, 50_000.0, above=50_000.0)
    assert orders.needs_confirmation(order, 50_000.01, above=50_000.0)
    assert orders.needs_confirmation(order, None, above=50_000.0)
    assert orders.needs_confirmation(order, -60_000.0, above=50_000.0)
    priced = order.model_copy(update={"price": 10.0})
    assert not orders.needs_confirmation(priced, 60_000.0, above=50_000.0)


@pytest.mark.parametrize(
    ("status", "tone", "final"),
    [
        ("sent", "wait", False),
        ("accepted", "good", False),
        ("applied", "good", True),
        ("refused", "bad", True),
        ("no_answer", "warn", False),
    ],
)
def test_every_status_has_words(status: CommandStatus, tone: str, final: bool) -> None:  # noqa: FBT001
    answer = answers.for_ticket(_command(status))
    assert (answer["tone"], answer["final"]) == (tone, final)
    assert answer["text"]


def test_no_answer_warns_before_the_order_is_sent_again() -> None:
    assert "before you send it again" in answers.for_ticket(_command("no_answer"))["text"]


def test_a_kill_switch_is_done_when_ingest_has_accepted_it() -> None:
    assert answers.is_final(_command("accepted", "kill_switch"))
    assert not answers.is_final(_command("accepted"))
    assert not answers.is_final(None)


def test_the_registry_is_bounded_and_forgets_the_oldest() -> None:
    registry = OrderRegistry()
    first = uuid4()
    assert registry.claim(first)
    for _ in range(MAX_IDS):
        registry.claim(uuid4())
    assert registry.claim(first)
    registry.answer(uuid4(), answers.for_ticket(_command()))


def test_a_source_that_is_not_known_yet_is_the_page() -> None:
    link = FakeLink()
    link.model.apply(status(), at(NOW_NS))
    presses.take_order(link, _order(confirmed=True))
    link.model.apply(page_state().model_copy(update={"source": "desk-7"}), at(NOW_NS + S_NS))
    presses.take_order(link, _order(confirmed=True))
    assert [one.source for one in link.submitted] == ["ui", "desk-7"]
