"""Numbers and times as the page writes them."""

from zoneinfo import ZoneInfo

import pytest

from tests.helpers.views import NOW_NS
from ui.page.model import formats


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (61_000.0, "61,000.00"),
        (123.4567, "123.457"),
        (1.5, "1.50000"),
        (0.0123456, "0.0123456"),
        (0.00001234, "0.0000123400"),
        (0.0000000042, "0.00000000420000"),
        (1_600_000_000.0, "1,600,000,000.00"),
        (-0.5, "−0.500000"),
        (0.0, "0.00"),
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


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1_234.5, "1,234.5000"),
        (99_999.5, "99,999.5000"),
        (3_703_701.0, "3,703,701.00"),
        (0.00001234, "0.00001234"),
        (0.0, "0.0000"),
    ],
)
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
    ("value", "written"),
    [
        (1_234.5, "+1,234.50"),
        (-0.5, "−0.50"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (12_345_678.9, "+12,345,679"),
        (-123_456_789_012.0, "−123,456,789,012"),
        (1.234567e12, "+1.23457e12"),
        (-1.7e308, "−1.7e308"),
        (-0.001, "−0.001"),
        (0.0004216, "+0.0004216"),
        (0.099, "+0.099"),
        (1.23456e-9, "+1.235e-9"),
    ],
)
def test_money_of_any_size_can_be_read_and_has_a_sign_where_there_is_something_to_sign(
    value: float, written: str
) -> None:
    assert formats.money(value) == written


@pytest.mark.parametrize(
    ("value", "like", "written"),
    [(-0.001, 50.0, "0.00"), (3e-12, 2.5, "0.00"), (3e-21, 2e-9, "0.00"), (3e-10, 2e-9, "+3e-10"), (5.0, 2e7, "+5")],
)
def test_money_is_as_exact_as_what_stands_beside_it(value: float, like: float, written: str) -> None:
    assert formats.money(value, like) == written


@pytest.mark.parametrize(
    ("value", "written"), [(1.25, "+1.25"), (-1e-9, "0.00"), (1_234_567.0, "+1,234,570"), (-4.2e15, "−4.2e15")]
)
def test_basis_points_of_any_size_can_be_read(value: float, written: str) -> None:
    assert formats.bps(value) == written


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


@pytest.mark.parametrize("exponent", range(-9, 10))
def test_two_prices_that_differ_in_the_sixth_digit_are_written_differently(exponent: int) -> None:
    assert formats.price(1.00001 * 10.0**exponent) != formats.price(1.00002 * 10.0**exponent)


@pytest.mark.parametrize(
    ("value", "written"), [(0.0049, "0.0049"), (0.0000000042, "0.0000000042"), (12_345.6, "12,346")]
)
def test_a_small_volume_is_not_written_as_nothing(value: float, written: str) -> None:
    assert formats.volume(value) == written


@pytest.mark.parametrize(
    ("ns", "written"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0, "0.00 ms"),
        (1, "1 ns"),
        (-1, "−1 ns"),
        (1_500, "1.50 µs"),
        (99_994, "99.99 µs"),
        (99_995, "0.10 ms"),
        (1_230_000, "1.23 ms"),
        (999_994_999, "999.99 ms"),
        (999_999_999, "1.0 s"),
        (59_990_000_000, "1 min 00 s"),
        (3_600_000_000_000, "1 h 00 min"),
        (-2_500_000_000, "−2.5 s"),
        (10**18, "11,574 d 1 h"),
    ],
)
def test_a_duration_has_the_unit_that_a_person_reads(ns: float | None, written: str) -> None:
    assert formats.duration(ns) == written


@pytest.mark.parametrize(("ns", "written"), [(None, "–"), (400_000_000, "now"), (31_700_000_000, "31 s ago")])
def test_an_age_is_in_whole_seconds(ns: int | None, written: str) -> None:
    assert formats.ago(ns) == written


def test_times_can_be_written_in_another_zone() -> None:
    assert formats.clock(NOW_NS, ZoneInfo("Asia/Kolkata")) == "03:43:20"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0.0"), (-0.04, "0.0"), (-0.5, "−0.5"), (12_345.67, "12,345.7"), (-1e9, "−1,000,000,000.0")],
)
def test_a_number_without_a_unit_has_a_minus_where_it_is_negative(value: float, written: str) -> None:
    assert formats.decimal(value, 1) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (61_068.6, "61,068.6"),
        (-0.00000123, "−0.00000123"),
        (3.10197e-9, "3.10197e-9"),
        (-5e-324, "−4.94066e-324"),
        (1.7e308, "1.7e308"),
        (None, "–"),
    ],
)
def test_any_number_has_six_digits_and_stays_short(value: float | None, written: str) -> None:
    assert formats.significant(value) == written


@pytest.mark.parametrize(
    ("value", "start", "ratio"), [(110.0, 100.0, 0.1), (-37.0, -40.0, 0.075), (-44.0, -40.0, -0.1), (5.0, -5.0, 2.0)]
)
def test_a_price_below_zero_that_rises_has_gone_up(value: float, start: float, ratio: float) -> None:
    assert formats.away(value, start) == pytest.approx(ratio)


def test_there_is_no_ratio_to_nothing() -> None:
    assert formats.away(1.0, 0.0) is formats.away(1.0, None) is formats.away(None, 1.0) is None


def test_a_time_of_another_day_in_the_zone_has_its_date() -> None:
    hour_ns = 3_600_000_000_000
    assert formats.moment(NOW_NS, NOW_NS + hour_ns) == "22:13:20"
    assert formats.moment(NOW_NS, NOW_NS + hour_ns, ZoneInfo("Europe/London")) == "22:13:20"
    assert formats.moment(NOW_NS, NOW_NS + 2 * hour_ns) == "14 Nov 22:13:20"
    assert formats.moment(NOW_NS, NOW_NS + hour_ns, ZoneInfo("Europe/Berlin")) == "14 Nov 23:13:20"
    assert formats.moment(NOW_NS - 365 * 24 * hour_ns, NOW_NS, milliseconds=True) == "14 Nov 2022 22:13:20.000"
    assert formats.moment(None, NOW_NS) == formats.NONE
