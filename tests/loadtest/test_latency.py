"""Latencies, counted and read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.latency import LatencyCounts, Percentiles, from_buckets


@given(st.lists(st.integers(1, 3_000_000_000_000), min_size=1, max_size=200))
def test_a_percentile_is_within_one_percent_of_the_sorted_values(spans: list[int]) -> None:
    counts = LatencyCounts()
    counts.add(np.array(spans, np.int64))
    found = Percentiles.of(counts.histogram())
    assert found is not None
    assert found.count == len(spans)
    assert found.max_ms == pytest.approx(max(spans) / 1e6, rel=0.01, abs=3e-6)
    exact = sorted(spans)[max(0, -(-len(spans) * 50 // 100) - 1)] / 1e6
    assert found.p50_ms == pytest.approx(exact, rel=0.01, abs=3e-6)


def test_a_message_sent_before_it_was_due_counts_as_not_late() -> None:
    counts = LatencyCounts()
    counts.add(np.array([-5, 0, 1], np.int64))
    assert counts.histogram().get_max_value() <= 2


def test_nothing_measured_has_no_percentiles() -> None:
    assert Percentiles.of(LatencyCounts().histogram()) is None


def test_counts_of_two_senders_add_up() -> None:
    first, second = LatencyCounts(), LatencyCounts()
    first.add(np.array([1_000], np.int64))
    second.add(np.array([2_000, 3_000], np.int64))
    first.merge(second)
    assert first.histogram().get_total_count() == 3


def test_buckets_are_spread_evenly_and_end_at_the_bound_of_the_highest_one_in_use() -> None:
    found = Percentiles.of(from_buckets([0.001, 0.002, 0.004, float("inf")], [0, 100, 0, 0]))
    assert found is not None
    assert found.count == 100
    assert found.p50_ms == pytest.approx(1.5, rel=0.05)
    assert found.max_ms == pytest.approx(2.0, rel=0.01)


def test_what_is_beyond_the_last_bucket_is_shown_as_beyond_it() -> None:
    found = Percentiles.of(from_buckets([0.5, float("inf")], [0, 1]))
    assert found is not None
    assert found.p50_ms > 500
