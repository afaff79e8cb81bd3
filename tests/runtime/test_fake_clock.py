"""The fake clock moves time only when everybody waits."""

import asyncio

import pytest

from telemetry_runtime.fakes import FakeClock


async def _after_steps(clock: FakeClock, steps: int, done: list[int]) -> None:
    await clock.sleep(1)
    for _ in range(steps):
        await asyncio.sleep(0)
    done.append(steps)


@pytest.mark.parametrize("steps", [0, 1, 99, 100, 101, 5_000])
async def test_what_is_due_runs_to_its_next_wait_however_many_steps_it_takes(steps: int) -> None:
    clock, done = FakeClock(), list[int]()
    task = asyncio.create_task(_after_steps(clock, steps, done))
    await clock.advance(1)
    assert done == [steps]
    await task


async def test_a_task_that_never_waits_is_an_error_and_not_a_guess() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110 - it is to never wait
            await asyncio.sleep(0)

    spinning = asyncio.create_task(spin())
    with pytest.raises(RuntimeError, match="never waits"):
        await FakeClock().advance(1)
    spinning.cancel()
