"""The bits of a float find the same bucket as a search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregates.log_buckets import BOUNDS_NS, FINE_NS, LogBuckets

spans = st.lists(
    st.one_of(st.integers(-(10**10), 10**11), st.sampled_from(BOUNDS_NS), st.integers(0, 10**6)),
    min_size=1,
    max_size=40,
)


@given(spans_ns=spans)
def test_the_quick_search_finds_what_a_search_finds(spans_ns: list[int]) -> None:
    near = np.array([spans_ns, [span + 1 for span in spans_ns], [span - 1 for span in spans_ns]])
    assert (LogBuckets(near.size).log_bucket_index(near) == np.searchsorted(FINE_NS, near)).all()


def test_the_quick_search_is_right_at_every_bound() -> None:
    edges = np.concatenate([FINE_NS + step for step in (-1, 0, 1)])
    extremes = np.array([np.iinfo(np.int64).min, -1, 0, np.iinfo(np.int64).max])
    for spans_ns in (edges, extremes):
        assert (LogBuckets(spans_ns.size).log_bucket_index(spans_ns) == np.searchsorted(FINE_NS, spans_ns)).all()
