"""Tasks start in order, end together, and report how they failed."""

import asyncio

import pytest

from telemetry_runtime import AsyncTaskManager, TaskError


async def _forever(log: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.append(name)


async def test_tasks_end_in_the_reverse_order_of_their_start() -> None:
    ended: list[str] = []
    asked = asyncio.Event()
    async with AsyncTaskManager() as tasks:
        tasks.start("sink", _forever(ended, "sink"))
        tasks.start("source", _forever(ended, "source"))
        await asyncio.sleep(0)
        asked.set()
        await tasks.wait(asked)
    assert ended == ["source", "sink"]


async def test_one_failed_task_ends_the_wait_and_leaves_as_a_group() -> None:
    async def fail() -> None:
        raise LookupError("no such room")

    ended: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        async with AsyncTaskManager() as tasks:
            tasks.start("good", _forever(ended, "good"))
            tasks.start("bad", fail())
            await tasks.wait(asyncio.Event())
    assert [str(error) for error in caught.value.exceptions] == ["no such room"]
    assert ended == ["good"]


async def test_a_task_that_ends_by_itself_stops_the_service_and_is_named() -> None:
    async def end() -> None:
        return

    with pytest.raises(ExceptionGroup) as caught:
        async with AsyncTaskManager() as tasks:
            tasks.start("receiver", end())
            await tasks.wait(asyncio.Event())
    (error,) = caught.value.exceptions
    assert isinstance(error, TaskError)
    assert error.task == "receiver"


async def test_a_task_that_may_end_does_not_stop_the_others() -> None:
    async def replay() -> None:
        return

    asked = asyncio.Event()
    async with AsyncTaskManager() as tasks:
        task = tasks.start("replay", replay(), may_end=True)
        await task
        waiting = asyncio.ensure_future(tasks.wait(asked))
        await asyncio.sleep(0)
        assert not waiting.done()
        asked.set()
        await waiting


async def test_a_task_that_will_not_end_is_reported_after_a_bounded_wait() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    manager = AsyncTaskManager(stop_wait_s=0.05)
    task = manager.start("stubborn", stubborn())
    await asyncio.sleep(0)
    with pytest.raises(ExceptionGroup, match="tasks failed") as caught:
        async with manager:
            pass
    assert "did not end within" in str(caught.value.exceptions[0])
    release.set()
    await task


async def test_stopping_no_tasks_stops_none() -> None:
    ended: list[str] = []
    async with AsyncTaskManager() as tasks:
        tasks.start("pipeline", _forever(ended, "pipeline"))
        await asyncio.sleep(0)
        await tasks.stop()
        assert ended == []


async def test_a_task_that_is_started_while_one_waits_ends_the_wait_when_it_fails() -> None:
    async def fail() -> None:
        raise LookupError("no such room")

    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup):
            async with AsyncTaskManager() as tasks:
                waiting = asyncio.ensure_future(tasks.wait(asyncio.Event()))
                await asyncio.sleep(0)
                tasks.start("late", fail())
                await waiting
