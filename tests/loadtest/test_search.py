"""The search for the highest rate."""

import pytest

from loadtest.search import PRECISION_RATIO, find_max


@pytest.mark.parametrize("limit", [150.0, 9_999.0, 10_000.0, 123_456.0, 3_000_000.0])
def test_the_highest_rate_is_found_within_the_precision(limit: float) -> None:
    tried: list[float] = []

    def attempt(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    found = find_max(attempt, 10_000.0)
    assert found is not None
    assert found <= limit <= found * PRECISION_RATIO
    assert len(tried) <= 16


def test_a_stack_that_holds_no_rate_has_no_highest_one() -> None:
    assert find_max(lambda _: False, 10_000.0) is None
