"""Resting orders on the Trade page: shown newest first, cancelled one by one or all, once."""

from datetime import UTC
from uuid import UUID, uuid4

import pytest

from telemetry_schema import CancelAll, CancelOrder, OpenOrder
from tests.helpers.views import NOW_NS, FakeLink, at, desk, status
from ui.page.model import presses
from ui.page.model.parts import Part
from ui.page.views.trade import _take
from ui.page.widgets import open_orders


def _resting(**changes: object) -> OpenOrder:
    one = OpenOrder(
        command_id=uuid4(),
        source="ui",
        symbol="BTC-USD",
        side="buy",
        qty=0.5,
        filled_qty=0.0,
        price=57_057.0,
        received_ns=NOW_NS,
    )
    return one.model_copy(update=changes)


def _link(*orders: OpenOrder, in_all: int | None = None) -> FakeLink:
    link = FakeLink().live()
    known = {"open_orders": list(orders), "open_orders_in_all": len(orders) if in_all is None else in_all}
    link.model.apply(status(2, desk_state=desk().model_copy(update=known)), at(NOW_NS))
    return link


def _part(link: FakeLink) -> Part:
    return open_orders.part(link.view, at(NOW_NS), UTC)


def test_orders_that_rest_are_shown_newest_first_with_how_far_the_market_is_away() -> None:
    old, new = _resting(filled_qty=0.2), _resting(symbol="XYZ-USD", side="sell")
    first, second = _part(_link(old, new))["rows"]
    assert (first[0], second[0]) == (new.command_id.hex, old.command_id.hex)
    assert second[1][2:6] == ["0.5000", "0.2000", "57,057.00", "−5.00 %"]
    assert first[1][5] == "–"  # nobody knows its price
    assert second[1][-1] == ["Cancel", "", 0, "Cancel buy 0.5 BTC-USD at 57,057", "cancel"]


def test_without_orders_there_is_nothing_to_cancel() -> None:
    part = _part(_link())
    assert (part["rows"], part["foot"]) == ([], [])
    assert "No order rests" in part["empty"]
    assert _part(FakeLink())["rows"] == []


def test_orders_that_are_not_listed_are_counted() -> None:
    assert _part(_link(_resting(), in_all=301))["foot"][0] == "300 more rest."


def test_a_click_cancels_the_order_and_a_second_one_while_it_is_under_way_nothing() -> None:
    order = _resting()
    link = _link(order)
    _take(link, "cancel", ["open", order.command_id.hex])
    (sent,) = link.submitted
    assert isinstance(sent, CancelOrder)
    assert (sent.order_id, sent.source) == (order.command_id, "ui")
    link.answer(sent.command_id, kind="cancel", order_id=order.command_id)
    assert _part(link)["rows"][0][1][-1] == ["cancelling …", "muted", 0, ""]
    _take(link, "cancel", ["open", order.command_id.hex])
    assert len(link.submitted) == 1


def test_an_order_may_be_cancelled_again_when_the_first_cancel_had_no_answer() -> None:
    order = _resting()
    link = _link(order)
    link.answer(uuid4(), kind="cancel", order_id=order.command_id, status="no_answer")
    presses.cancel(link, order.command_id)
    assert len(link.submitted) == 1
    assert _part(link)["rows"][0][1][-1][0] == "Cancel"


def test_all_are_cancelled_by_one_command() -> None:
    link = _link(_resting(), _resting())
    _take(link, "cancel_all", ["open", "all"])
    (sent,) = link.submitted
    assert isinstance(sent, CancelAll)
    assert sent.symbol is None


@pytest.mark.parametrize("value", [["open", "no id"], "open", None, ["open"], [1, 2], ["open", str(UUID(int=0)), "x"]])
def test_a_click_that_names_no_order_cancels_nothing(value: object) -> None:
    link = _link(_resting())
    _take(link, "cancel", value)
    assert link.submitted == []
