"""Whatever a study does, the others go on, and what it did is counted and said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil
import pytest
from structlog.testing import capture_logs

from telemetry_runtime import AsyncTaskManager
from tests.analytics.studies.hostile import good
from tests.analytics.studies.worlds import StudyWorld, trades, worker

pytestmark = pytest.mark.timeout(120)

ALL = (
    *("raises", "sleeps", "allocates", "exits", "prints", "labels", "text", "nothing", "infinite", "undefined"),
    *("leaks", "good", "counter"),
)


def world(*names: str) -> StudyWorld:
    return StudyWorld(off=[name for name in ALL if name not in names], budget_s=1.0 if "sleeps" in names else 30.0)


@asynccontextmanager
async def running(made: StudyWorld) -> AsyncIterator[StudyWorld]:
    async with AsyncTaskManager() as tasks:
        tasks.start("studies", made.supervisor.run())
        yield made


async def until(made: StudyWorld, holds: Callable[[], bool]) -> None:
    """Trades go on coming until it holds; the test's time limit is the bound."""
    while not holds():
        made.trades.add(trades(5))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("study", "reason", "text"),
    [
        ("raises", "raised", "ZeroDivisionError: division by zero (hostile.py:"),
        ("sleeps", "timeout", "no answer"),
        ("allocates", "memory", "hostile.py:"),
        ("exits", "died", "ended"),
        ("labels", "unknown_gauge", "'v0' is none of its gauges (labels_value)"),
        ("text", "not_a_number", "text_value is str"),
        ("nothing", "not_a_dict", "NoneType"),
        ("infinite", "infinite", "infinite_value"),
        ("leaks", "memory", "hostile.py|kept them"),
    ],
)
async def test_a_study_that_goes_wrong_is_counted_by_reason_and_the_good_one_goes_on(
    study: str, reason: str, text: str
) -> None:
    made = world(study, "good")
    async with running(made):
        await until(made, lambda: made.results.failures[study, reason] > 0)
        assert any(part in made.results.last_failure[study] for part in text.split("|"))
        runs = made.results.costs["good"].runs
        await until(made, lambda: made.results.costs["good"].runs > runs)
    assert made.value("good_value") is not None
    assert good.name not in made.results.last_failure


async def test_what_a_study_prints_is_dropped_and_harms_nothing() -> None:
    made = world("prints")
    async with running(made):
        await until(made, lambda: made.value("prints_value") is not None)


async def test_nan_is_no_failure_and_no_series() -> None:
    made = world("undefined", "good")
    async with running(made):
        await until(made, lambda: made.results.costs["undefined"].runs > 1 and made.value("good_value") is not None)
    assert made.value("undefined_value") is None
    assert not made.results.last_failure


async def test_a_study_that_fails_again_and_again_is_disabled_and_said_once() -> None:
    made = world("raises")
    with capture_logs() as lines:
        async with running(made):
            await until(made, lambda: any(line["event"] == "study_disabled" for line in lines))
            assert made.supervisor.schedule is not None
            assert made.supervisor.schedule.is_disabled("raises")
    assert [line["event"] for line in lines if line.get("study") == "raises"] == ["study_failed", "study_disabled"]
    assert made.results.failures["raises", "raised"] == made.max_failures


async def test_a_worker_that_is_killed_is_started_again() -> None:
    made = world("good")
    async with running(made):
        await until(made, lambda: made.value("good_value") is not None)
        worker().kill()
        await until(made, lambda: made.supervisor.starts > 1)
        runs = made.results.costs["good"].runs
        await until(made, lambda: made.results.costs["good"].runs > runs)


async def test_the_worker_ends_with_the_task() -> None:
    made = world("good")
    async with running(made):
        await until(made, lambda: made.value("good_value") is not None)
        found = worker()
    assert not psutil.pid_exists(found.pid)


async def test_a_stop_at_any_step_of_the_start_leaves_no_process() -> None:
    for steps in range(40):
        async with running(world("good")):
            for _ in range(steps):
                await asyncio.sleep(0)
        assert not psutil.Process().children(), f"stopped after {steps} steps"


async def test_state_is_kept_from_call_to_call() -> None:
    made = world("counter")
    async with running(made):
        await until(made, lambda: (made.value("counter_value") or 0) >= 3)
