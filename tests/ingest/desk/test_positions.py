"""The paper account's book-keeping: average cost, realised and unrealised profit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.desk.positions import Book
from telemetry_schema import Position

Fills = list[tuple[str, float, float]]


def _book(*fills: tuple[str, float, float]) -> Book:
    book = Book()
    for side, qty, price in fills:
        book.fill("BTC-USD", side, qty, price)
    return book


def _position(*fills: tuple[str, float, float], last: float) -> Position:
    (position,) = _book(*fills).positions({"BTC-USD": last})
    return position


def test_a_purchase_is_worth_what_the_price_has_moved() -> None:
    position = _position(("buy", 2.0, 100.0), last=110.0)
    assert (position.qty, position.average_price, position.unrealised, position.realised) == (2.0, 100.0, 20.0, 0.0)


def test_a_price_beyond_all_reason_leaves_the_position_unpriced() -> None:
    position = _position(("buy", 10.0, 100.0), last=1e308)
    assert (position.qty, position.last_price, position.unrealised) == (10.0, None, 0.0)


def test_two_purchases_have_the_average_price_of_both() -> None:
    assert _position(("buy", 1.0, 100.0), ("buy", 3.0, 120.0), last=115.0).average_price == 115.0


def test_selling_a_part_realises_its_profit_and_keeps_the_average_price() -> None:
    position = _position(("buy", 2.0, 100.0), ("sell", 0.5, 120.0), last=120.0)
    assert (position.qty, position.average_price, position.realised, position.unrealised) == (1.5, 100.0, 10.0, 30.0)


def test_a_short_position_gains_when_the_price_falls() -> None:
    position = _position(("sell", 2.0, 100.0), last=90.0)
    assert (position.qty, position.unrealised) == (-2.0, 20.0)


def test_turning_round_realises_the_old_position_and_opens_the_rest_at_the_new_price() -> None:
    position = _position(("buy", 1.0, 100.0), ("sell", 3.0, 110.0), last=110.0)
    assert (position.qty, position.average_price, position.realised) == (-2.0, 110.0, 10.0)


def test_a_closed_position_has_no_average_price_and_keeps_its_profit() -> None:
    position = _position(("buy", 0.3, 100.0), ("sell", 0.1, 110.0), ("sell", 0.2, 110.0), last=500.0)
    assert (position.qty, position.average_price, position.unrealised) == (0.0, None, 0.0)
    assert position.realised == pytest.approx(3.0)


def test_without_a_last_price_nothing_is_unrealised() -> None:
    (position,) = _book(("buy", 1.0, 100.0)).positions({})
    assert (position.last_price, position.unrealised) == (None, 0.0)


def test_what_was_kept_comes_back() -> None:
    before, after = _book(("buy", 2.0, 100.0), ("sell", 0.5, 120.0)), Book()
    after.restore(before.holdings())
    assert after.positions({"BTC-USD": 90.0}) == before.positions({"BTC-USD": 90.0})


fills = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.floats(0.001, 1_000), st.floats(0.01, 100_000)), min_size=1
)


@given(fills=fills, last=st.floats(0.01, 100_000))
def test_profit_is_what_the_holding_is_worth_less_what_was_paid(fills: Fills, last: float) -> None:
    signed = [(qty if side == "buy" else -qty, price) for side, qty, price in fills]
    paid = sum(qty * price for qty, price in signed)
    held = sum(qty for qty, _ in signed)
    position = _position(*fills, last=last)
    turnover = sum(abs(qty) * (price + last) for qty, price in signed)
    assert position.realised + position.unrealised == pytest.approx(held * last - paid, abs=1e-9 * turnover + 1e-6)
