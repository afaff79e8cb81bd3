"""The highest rate that passes, by doubling and bisection. Pure, but for the `attempt` it is given."""

from collections.abc import Callable

PRECISION_RATIO = 1.05
"""The search ends when the lowest rate that failed is at most this much above the highest that passed."""

MAX_STEPS = 16

LEAST_RATE = 10.0
"""Trades a second; a stack that fails below this is not slow but broken."""


def find_max(attempt: Callable[[float], bool], start_rate: float) -> float | None:
    """The highest rate found for which `attempt` holds, within `PRECISION_RATIO`; None if none does.

    Doubles (or halves) until a rate that passes and one that fails are known, then halves the distance between them.
    """
    passed: float | None = None
    failed: float | None = None
    rate = start_rate
    for _ in range(MAX_STEPS):
        if attempt(rate):
            passed = rate
        else:
            failed = rate
        if passed is not None and failed is not None and failed <= passed * PRECISION_RATIO:
            break
        rate = _next(passed, failed)
        if rate < LEAST_RATE:
            break
    return passed


def _next(passed: float | None, failed: float | None) -> float:
    if passed is None:
        return (failed or 0.0) / 2
    if failed is None:
        return passed * 2
    return (passed + failed) / 2
