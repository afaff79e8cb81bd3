"""Indicators are what their formulas say, and NaN where nothing is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import indicators as i
from analytics.arrays import Floats, Ints

columns = st.lists(st.lists(st.floats(1e-3, 1e6), max_size=20), min_size=1, max_size=4)
times = st.lists(st.lists(st.integers(0, 10**12), max_size=20), min_size=1, max_size=4)


def f(*values: float) -> Floats:
    return np.array(values)


def n(*values: int) -> Ints:
    return np.array(values)


def test_averages_of_nothing_are_nan_not_0() -> None:
    assert math.isnan(i.vwap(f(0), f(0))[0])
    assert math.isnan(i.mean(f(0), n(0))[0])
    assert math.isnan(i.std(f(0), n(0))[0])
    assert math.isnan(i.imbalance(f(0), f(0))[0])
    assert math.isnan(i.realised_volatility(f(0), n(1))[0])
    assert math.isnan(i.burstiness(f(0), f(0))[0])


def test_plain_numbers() -> None:
    assert i.vwap(f(95), f(6))[0] == pytest.approx(15.8333333333)
    assert i.std(f(8), n(2))[0] == 2
    assert i.imbalance(f(3, 0, 1), f(1, 2, 1)).tolist() == [0.5, -1, 0]
    assert i.realised_volatility(f(4), n(2))[0] == 2


def test_a_clock_has_burstiness_minus_1_and_one_long_pause_makes_a_burst() -> None:
    regular = i.interval_moments(np.array([[0, 10, 20, 30]]), n(4))
    assert i.burstiness(regular[1], regular[0])[0] == pytest.approx(-1)
    bursty = i.interval_moments(np.array([[*range(50), 10**6]]), n(51))
    assert i.burstiness(bursty[1], bursty[0])[0] > 0.7


@given(rows=columns)
def test_quantiles_are_numpys(rows: list[list[float]]) -> None:
    padded = np.full((len(rows), 21), np.inf)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = np.sort(values)
    got = i.quantiles(padded, np.array([len(values) for values in rows]), (0.5, 0.9, 0.99))
    for column, values in enumerate(rows):
        expected = np.quantile(values, [0.5, 0.9, 0.99]) if values else np.full(3, np.nan)
        assert got[:, column] == pytest.approx(expected, rel=1e-12, nan_ok=True)


@given(rows=times)
def test_interval_moments_are_numpys(rows: list[list[int]]) -> None:
    padded = np.full((len(rows), 21), np.iinfo(np.int64).max)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = np.sort(np.array(values, np.int64))
    centre, spread = i.interval_moments(padded, np.array([len(values) for values in rows]))
    for column, values in enumerate(rows):
        gaps = np.diff(np.sort(np.array(values, np.int64))) / 1e9
        assert centre[column] == pytest.approx(gaps.mean() if gaps.size else math.nan, nan_ok=True)
        assert spread[column] == pytest.approx(gaps.std() if gaps.size else math.nan, nan_ok=True, abs=1e-12)
