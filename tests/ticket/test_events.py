"""What comes from a browser: read if it is from the ticket, left out if not, and never an error."""

from typing import Any
from uuid import uuid4

import pytest

from telemetry_ticket import read_switch_event, read_ticket_event


def _order(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - what a browser sends may be anything
    order = {"id": str(uuid4()), "side": "buy", "symbol": "BTC-USD", "qty": "0,5", "price": None, "pressed_ms": 1.5}
    return order | changes


def _event(*orders: object, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {"by": "t", "count": 1, "symbol": "BTC-USD", "orders": list(orders)} | changes


def test_all_orders_of_an_event_are_read_with_their_texts_as_typed() -> None:
    first, second = _order(), _order(side="sell", price="60000", confirmed=True, ask=True)
    event = read_ticket_event(_event(first, second))
    assert event is not None
    assert [(str(one.id), one.side, one.qty, one.price, one.confirmed, one.ask) for one in event.orders] == [
        (first["id"], "buy", "0,5", None, False, False),
        (second["id"], "sell", "0,5", "60000", True, True),
    ]
    assert (event.by, event.count, event.symbol) == ("t", 1, "BTC-USD")


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "1"},
        {"id": None},
        {"side": "hold"},
        {"qty": 5},
        {"qty": "1" * 65},
        {"pressed_ms": float("nan")},
        {"pressed_ms": -1},
        {"symbol": ["BTC-USD"]},
    ],
)
def test_an_order_that_is_none_is_left_out_and_the_next_one_is_read(broken: dict[str, Any]) -> None:
    good = _order()
    event = read_ticket_event(_event(_order(**broken), None, 3, "x", good))
    assert event is not None
    assert [str(one.id) for one in event.orders] == [good["id"]]


@pytest.mark.parametrize(
    "value", [None, 0, "x", [], {}, {"by": 1}, _event(by=None), _event(count="1"), _event(symbol=5)]
)
def test_what_is_no_event_is_none(value: object) -> None:
    assert read_ticket_event(value) is None


@pytest.mark.parametrize("orders", [None, 5, {"a": 1}, "orders"])
def test_an_event_whose_orders_are_no_list_has_none(orders: object) -> None:
    event = read_ticket_event(_event() | {"orders": orders})
    assert event is not None
    assert event.orders == ()


def test_an_event_is_bounded() -> None:
    event = read_ticket_event(_event(*(_order() for _ in range(300))))
    assert event is not None
    assert len(event.orders) == 200


def test_a_press_of_the_kill_switch_is_read() -> None:
    press = {"id": str(uuid4()), "engaged": True, "pressed_ms": 5, "ask": False}
    (read,) = read_switch_event({"commands": [press, {"engaged": "yes"}]})
    assert (str(read.id), read.engaged) == (press["id"], True)
    assert read_switch_event(None) == ()
