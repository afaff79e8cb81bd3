"""Latencies are counted exactly, and as they are."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregates.latency import STAGES
from analytics.aggregates.log_buckets import BOUNDS_NS
from tests.analytics.batches import NOW, SECOND, T, applied, batch, engine, state_of

spans = st.lists(
    st.one_of(st.integers(-(10**10), 10**11), st.sampled_from(BOUNDS_NS), st.integers(0, 10**6)),
    min_size=1,
    max_size=40,
)


def test_the_bounds_ascend_from_10_us_to_60_s() -> None:
    assert BOUNDS_NS[:5] == (10_000, 25_000, 50_000, 100_000, 250_000)
    assert BOUNDS_NS[-4:] == (5 * SECOND, 10 * SECOND, 30 * SECOND, 60 * SECOND)
    assert list(BOUNDS_NS) == sorted(set(BOUNDS_NS))


@given(spans_ns=spans)
def test_the_histogram_counts_each_span_in_its_bucket_and_bounds_are_inclusive(spans_ns: list[int]) -> None:
    view = state_of(applied([T(wire_ns=span) for span in spans_ns])).latencies["wire"]
    ordered = sorted(spans_ns)
    assert view.cumulative == tuple(bisect_right(ordered, bound) for bound in BOUNDS_NS)
    assert (view.count, view.negative) == (len(spans_ns), sum(span < 0 for span in spans_ns))
    assert view.sum_ns - view.negative_sum_ns == pytest.approx(sum(spans_ns), rel=1e-12, abs=1e-3)
    assert view.negative_sum_ns == pytest.approx(-sum(min(span, 0) for span in spans_ns), rel=1e-12)


@given(spans_ns=st.lists(st.integers(10_000, 50 * SECOND), min_size=1, max_size=60))
def test_percentiles_are_within_a_fine_bucket_of_the_true_ones(spans_ns: list[int]) -> None:
    view = state_of(applied([T(wire_ns=span) for span in spans_ns])).latencies["wire"]
    for got, probability in ((view.p50_ns, 0.5), (view.p90_ns, 0.9), (view.p99_ns, 0.99)):
        true = np.quantile(spans_ns, probability, method="inverted_cdf")
        assert got is not None
        assert true <= got <= true * 1.1
    assert view.max_ns == max(spans_ns)


def test_stages_are_measured_between_their_times() -> None:
    state = state_of(applied([T(at_ns=-5_000_000, wire_ns=2_000_000)]))
    sums = {stage: view.sum_ns for stage, view in state.latencies.items()}
    assert sums == {"feed": 2e6, "wire": 2e6, "process": 3e6, "end_to_end": 5e6}


@given(spans_ns=spans)
def test_the_sum_of_latencies_never_falls(spans_ns: list[int]) -> None:
    made, sums = engine(), [0.0]
    for seq, span in enumerate(spans_ns):
        made.apply(batch([T(wire_ns=span)], first_seq=seq), now_ns=NOW, monotonic_ns=NOW)
        sums.append(state_of(made).latencies["wire"].sum_ns)
    assert sums == sorted(sums)


def test_negative_latency_is_counted_apart_and_shown_as_it_is() -> None:
    state = state_of(applied([T(wire_ns=-1_270_000_000)]))
    feed = state.latencies["feed"]
    assert (feed.sum_ns, feed.negative_sum_ns) == (0, 1.27e9)
    assert (feed.negative, feed.cumulative[0], feed.max_ns) == (1, 1, -1_270_000_000)
    assert state.skews_ns == {"bot": -1_270_000_000}


def test_skew_is_the_running_minimum_of_each_source() -> None:
    made = applied([T(wire_ns=5), T(wire_ns=3, source="b")], [T(wire_ns=4), T(wire_ns=9, source="b")])
    assert state_of(made).skews_ns == {"bot": 4, "b": 3}


def test_of_a_replay_only_feed_and_process_are_measured() -> None:
    made = engine()
    replayed, live = T(source="replay", at_ns=-(10**15), wire_ns=7), T(source="live", wire_ns=11)
    made.apply(batch([replayed, live], replayed=[0], sent_ns=NOW - 100), now_ns=NOW, monotonic_ns=NOW)
    latencies = state_of(made).latencies
    assert {stage: latencies[stage].count for stage in STAGES} == {"feed": 2, "wire": 1, "process": 2, "end_to_end": 1}
    assert latencies["feed"].sum_ns == 18
    assert latencies["wire"].sum_ns == 11
    assert (latencies["process"].sum_ns, latencies["process"].negative_sum_ns) == (100, 11)
    assert (latencies["end_to_end"].sum_ns, latencies["end_to_end"].negative_sum_ns) == (0, 0)


def test_percentiles_forget_after_a_minute_and_the_histogram_does_not() -> None:
    made = applied([T()])
    later = state_of(made, NOW + 61 * SECOND).latencies["wire"]
    assert (later.recent_count, later.p50_ns, later.max_ns) == (0, None, None)
    assert later.count == 1
    made.apply(batch([T(wire_ns=50_000)], first_seq=1), now_ns=NOW + 61 * SECOND, monotonic_ns=NOW + 61 * SECOND)
    later = state_of(made, NOW + 61 * SECOND).latencies["wire"]
    assert (later.recent_count, later.max_ns) == (1, 50_000)


def test_times_of_1970_do_not_overflow_the_sum() -> None:
    made = applied([T(wire_ns=NOW)] * 10)
    assert state_of(made).latencies["wire"].sum_ns == pytest.approx(10.0 * NOW)


def test_each_source_has_the_sum_of_its_own_latencies_negative_ones_as_0() -> None:
    late = [T(at_ns=-5_000_000), T(at_ns=-3_000_000), T(at_ns=-10_000_000, source="b"), T(at_ns=4_000, source="ahead")]
    found = state_of(applied(late)).source_latencies
    assert {name: (each.trades, each.sum_ns) for name, each in found.items()} == {
        "bot": (2, 8e6),
        "b": (1, 10e6),
        "ahead": (1, 0),
    }


def test_a_recording_has_no_latency_by_source() -> None:
    made = engine()
    replayed, live = T(source="replay", at_ns=-(10**15)), T(source="live", at_ns=-7)
    made.apply(batch([replayed, live], replayed=[0]), now_ns=NOW, monotonic_ns=NOW)
    assert {name: each.sum_ns for name, each in state_of(made).source_latencies.items()} == {"live": 7}


def test_a_source_that_gets_the_label_of_an_idle_one_begins_with_its_own_latency() -> None:
    made = engine(max_sources=1, label_idle_s=3_600)
    hours = 7_200 * SECOND
    made.apply(batch([T(at_ns=-9, source="old")]), now_ns=NOW, monotonic_ns=0)
    new = batch([T(at_ns=hours - 2, source="new")], first_seq=1)
    made.apply(new, now_ns=NOW + hours, monotonic_ns=hours)
    found = state_of(made, NOW + hours, hours).source_latencies
    assert {name: (each.trades, each.sum_ns) for name, each in found.items()} == {"new": (1, 2)}
