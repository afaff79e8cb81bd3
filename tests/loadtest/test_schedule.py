"""When messages are due."""

import gzip
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.schedule import PIECE, burst, constant, poisson, read_arrivals, schedule


def test_a_constant_schedule_has_equal_gaps_across_its_pieces() -> None:
    due = np.concatenate(list(islice(constant(1_000.0), 3)))
    assert due.size == 3 * PIECE
    assert set(np.diff(due).tolist()) == {1_000_000}


def test_a_poisson_schedule_has_the_mean_rate_and_the_spread_of_independent_arrivals() -> None:
    due = np.concatenate(list(islice(poisson(1_000.0, np.random.default_rng(7)), 200)))
    gaps = np.diff(due)
    assert gaps.min() >= 0
    assert gaps.mean() == pytest.approx(1e6, rel=0.02)
    assert gaps.std() == pytest.approx(1e6, rel=0.02)


def test_a_burst_keeps_the_pattern_of_the_recording_at_the_rate_that_is_asked_for() -> None:
    recorded_ns = np.array([0, 1, 2, 99], np.int64) * 1_000_000
    due = np.concatenate(list(islice(burst(1_000.0, recorded_ns), 1_000)))
    gaps = np.diff(due)
    assert gaps.mean() == pytest.approx(1e6, rel=0.01)
    assert gaps[1] == pytest.approx(gaps[0], abs=2)
    assert gaps[2] == pytest.approx(97 * gaps[0], rel=0.001)
    assert gaps[4] == gaps[0]


@given(st.floats(1, 1e6), st.floats(0.001, 2), st.sampled_from(["constant", "poisson", "burst"]))
def test_due_times_never_step_back_and_end_with_the_duration(rate: float, duration_s: float, shape: str) -> None:
    arrivals = np.array([5, 6, 9], np.int64)
    pieces = schedule(shape, rate, duration_s=duration_s, seed=1, arrivals_ns=arrivals)  # type: ignore[arg-type]  # drawn
    due = np.concatenate([np.zeros(0, np.int64), *islice(pieces, 20)])
    assert (np.diff(due) >= 0).all()
    assert due.max(initial=0) < duration_s * 1e9


def test_a_constant_schedule_has_as_many_messages_as_rate_times_duration() -> None:
    pieces = schedule("constant", 5_000.0, duration_s=2.0, seed=1, arrivals_ns=None)
    assert sum(piece.size for piece in pieces) == 10_000


def test_a_burst_without_two_arrival_times_is_refused() -> None:
    with pytest.raises(ValueError, match="two different arrival times"):
        schedule_of_one = schedule("burst", 1.0, duration_s=1.0, seed=1, arrivals_ns=np.array([5, 5], np.int64))
        next(schedule_of_one)


def test_arrivals_are_read_in_nanoseconds_and_in_seconds_and_other_lines_are_passed_over(tmp_path: Path) -> None:
    plain = tmp_path / "venue.ws"
    plain.write_text('wss://venue <-> 1618678801.5\n1618678801.5: {"a": 1}\n\n1618678802.25: {}\n')
    packed = tmp_path / "venue.gz"
    packed.write_bytes(gzip.compress(b'1723161256021000000 {"a": 1}\n1723161256022000000 {}\n'))
    assert read_arrivals(plain).tolist() == [1_618_678_801_500_000_000, 1_618_678_802_250_000_000]
    assert read_arrivals(packed).tolist() == [1_723_161_256_021_000_000, 1_723_161_256_022_000_000]
