"""Numbers and times as the page writes them."""

import pytest

from tests.helpers.views import NOW_NS
from ui.page.model import formats


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (61_000.0, "61,000.00"),
        (123.4567, "123.457"),
        (1.5, "1.5000"),
        (0.0123456, "0.012346"),
        (0.00001234, "0.00001234"),
    ],
)
def test_a_price_has_as_many_decimals_as_it_needs(value: float, written: str) -> None:
    assert formats.price(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1, "0.1"),
        (0.00001234, "0.00001234"),
        (1_234_567.25, "1,234,567.25"),
        (0.1 + 0.2, "0.3"),
        (1e20, f"{10**20:,}"),
    ],
)
def test_what_was_asked_for_is_written_with_all_its_digits(value: float, written: str) -> None:
    assert formats.exact(value) == written


@pytest.mark.parametrize(("value", "written"), [(1_234.5, "1,234.5000"), (0.00001234, "0.00001234"), (0.0, "0.0000")])
def test_a_small_quantity_is_not_written_as_nothing(value: float, written: str) -> None:
    assert formats.qty(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(None, "–"), (200.0, "200.0000"), (0.00012345, "0.00012345"), (1_234.56789, "1,234.56789")]
)
def test_an_orders_quantity_has_all_the_digits_that_were_asked_for(value: float | None, written: str) -> None:
    assert formats.asked_qty(value) == written


def test_prices_of_one_column_line_up() -> None:
    assert formats.price(999.5, like=1_000.0) == "999.50"


@pytest.mark.parametrize(
    "write", [formats.price, formats.exact, formats.qty, formats.volume, formats.money, formats.percent]
)
def test_what_does_not_exist_is_a_dash_and_not_a_zero(write: "type[str]") -> None:
    assert write(None) == formats.NONE


@pytest.mark.parametrize(
    ("value", "written"), [(1_234.5, "+1,234.50"), (-0.5, "−0.50"), (0.0, "0.00"), (-0.001, "0.00")]
)
def test_money_has_a_sign_where_there_is_something_to_sign(value: float, written: str) -> None:
    assert formats.money(value) == written


@pytest.mark.parametrize(("ratio", "written"), [(0.0123, "+1.23 %"), (-0.05, "−5.00 %"), (0.00001, "0.00 %")])
def test_a_change_is_a_signed_percentage(ratio: float, written: str) -> None:
    assert formats.percent(ratio) == written


@pytest.mark.parametrize(
    ("ns", "written"),
    [
        (None, "–"),
        (1_230_000_000, "1.2 s"),
        (-5, "0.0 s"),
        (61_000_000_000, "1 min 01 s"),
        (3_720_000_000_000, "1 h 02 min"),
        (90_000_000_000_000, "1 d 1 h"),
    ],
)
def test_a_span_is_as_exact_as_a_person_wants_it(ns: int | None, written: str) -> None:
    assert formats.span(ns) == written


def test_times_are_utc_and_milliseconds_are_cut_not_rounded() -> None:
    assert formats.clock(NOW_NS + 999_999_999, milliseconds=True) == "22:13:20.999"
    assert formats.clock(NOW_NS) == "22:13:20"


def test_sides_and_signs_differ_by_shape() -> None:
    assert formats.side("buy") == "▲ Buy"
    assert formats.side("sell") == "▼ Sell"
    assert [formats.direction(value) for value in (1.0, -1.0, 0.0, None)] == ["▲", "▼", "", ""]


def test_latency_is_in_milliseconds() -> None:
    assert formats.latency(1_234_567) == "1.23"
