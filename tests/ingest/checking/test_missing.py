"""Missing numbers, a bit each: what was added and not taken yet is there, in no more room than the bits need."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.missing import Gap, Missing, ScatteredNumbers

_gaps = st.builds(
    lambda start, count, kind: Gap(start, start + count, kind),
    st.integers(0, 300),
    st.integers(1, 40),
    st.sampled_from(Missing),
)
_spans = st.tuples(st.integers(0, 400), st.integers(1, 100))


@given(st.lists(st.tuples(_gaps, st.integers(-50, 300))), st.lists(_spans))
def test_each_number_that_was_added_and_not_forgotten_is_taken_once_in_order(
    added: list[tuple[Gap, int]], taken: list[tuple[int, int]]
) -> None:
    numbers, expected = ScatteredNumbers(), set[int]()
    oldest = 0
    for gap, below in added:
        oldest = max(oldest, below)
        numbers.add(gap._replace(kind=Missing.LOST), below)
        expected = {each for each in (*expected, *range(gap.start, gap.end)) if each >= oldest}
    for seq, count in taken:
        assert numbers.is_any_from(seq) == any(each >= seq for each in expected)
        found = [each for gap in numbers.take(seq, seq + count) for each in range(gap.start, gap.end)]
        assert found == sorted(expected & {*range(seq, seq + count)})
        expected -= {*found}


def test_why_a_number_is_missing_is_kept() -> None:
    numbers = ScatteredNumbers()
    gaps = [Gap(2, 4, Missing.EARLY), Gap(4, 7, Missing.LOST), Gap(8, 9, Missing.UNACCOUNTED)]
    for gap in gaps:
        numbers.add(gap, 0)
    assert numbers.take(0, 100) == gaps
    assert numbers.take(0, 100) == []
    assert not numbers.is_any_from(0)


def test_far_numbers_take_no_more_room_than_near_ones() -> None:
    numbers = ScatteredNumbers()
    for seq in (0, 10**6, 2**62):
        for hole in range(seq, seq + 65_536, 2):
            numbers.add(Gap(hole, hole + 1, Missing.LOST), seq)
        assert sum(map(sys.getsizeof, numbers._bits.values())) < 10_000
