"""The account's profit is kept every few seconds for an hour, in one direction of time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.desk.profit_curve import EVERY_S, POINTS, ProfitCurve
from telemetry_schema import Position


def _held(profit: float) -> list[Position]:
    return [Position(symbol="A", qty=1.0, realised=profit, unrealised=1.0)]


def test_it_begins_with_the_first_position_and_has_a_point_every_five_seconds() -> None:
    curve = ProfitCurve()
    curve.note([], 100)
    assert curve.message().second == []
    for second in range(103, 118, 3):
        curve.note(_held(second), second)
    assert (curve.message().second, curve.message().profit) == ([103, 109, 115], [104, 110, 116])


def test_it_goes_on_when_all_is_sold() -> None:
    curve = ProfitCurve()
    curve.note(_held(1.0), 100)
    curve.note([], 105)
    assert curve.message().profit == [2.0, 0]


def test_an_hour_is_kept() -> None:
    curve = ProfitCurve()
    for second in range(0, 2 * POINTS * EVERY_S, EVERY_S):
        curve.note(_held(0.0), second)
    assert len(curve.message().second) == POINTS
    assert curve.message().second[-1] == 2 * POINTS * EVERY_S - EVERY_S


@given(st.lists(st.integers(0, 10_000), max_size=50))
def test_time_has_one_direction_however_the_clock_is_set(seconds: list[int]) -> None:
    curve = ProfitCurve()
    for second in seconds:
        curve.note(_held(0.0), second)
    found = curve.message().second
    assert all(later - earlier >= EVERY_S for earlier, later in pairwise(found))
    assert not found or found[-1] <= max(seconds)
