"""A call's time is its own: neither waiting for a core nor a look that comes late is put down to a study."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from analytics.studies.runner.watch import CallWatch, CpuUse, cpu_use

S = 1_000_000_000


def looks(*uses: CpuUse | None, call: int = 1, every_s: float = 0.25) -> Iterator[bool]:
    """Whether a call with a budget of 1 s is overdue at each look."""
    watch = CallWatch(1.0, 0, uses[0])
    watch.is_overdue(call, 0, uses[0])
    for number, use in enumerate(uses[1:], start=1):
        yield watch.is_overdue(call, round(number * every_s * S), use)


def test_a_call_that_runs_all_the_time_is_overdue_after_its_budget() -> None:
    assert list(looks(*(CpuUse(number * S // 4, 0, is_ready=True) for number in range(5)))) == [
        *(False, False, False),
        True,
    ]


def test_a_call_that_sleeps_is_overdue_after_its_budget() -> None:
    assert list(looks(*[CpuUse(0, 0, is_ready=False)] * 5)) == [False, False, False, True]


def test_where_the_system_says_nothing_all_time_counts() -> None:
    assert list(looks(*[None] * 5)) == [False, False, False, True]


def test_a_call_without_a_core_is_not_overdue() -> None:
    assert not any(looks(*[CpuUse(1_000, 0, is_ready=True)] * 400))


def test_time_for_which_it_waited_before_it_slept_does_not_count() -> None:
    waits_half = [CpuUse(0, number * S // 8, is_ready=False) for number in range(9)]
    assert list(looks(*waits_half)) == [False] * 7 + [True]


def test_the_next_call_has_a_budget_of_its_own() -> None:
    watch = CallWatch(1.0, 0, None)
    found = [watch.is_overdue(number // 3, number * S // 4, None) for number in range(100)]
    assert not any(found)


def test_a_look_that_comes_late_counts_as_two() -> None:
    """The service itself had no core: the answer may have been there for long."""
    assert list(looks(*[None] * 3, every_s=100.0)) == [False, True]


def test_the_use_of_a_process_is_read() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has /proc, where the use of a process is read")
    use = cpu_use(os.getpid())
    assert use is not None
    assert use.is_ready
    assert use.ran_ns > 0
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            sleeping = cpu_use(process.pid)
            assert sleeping is not None
        finally:
            process.kill()
    assert cpu_use(process.pid) is None
