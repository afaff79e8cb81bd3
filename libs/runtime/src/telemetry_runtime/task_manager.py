"""The tasks of a service: named, started in order, ended together."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from telemetry_runtime.errors import TaskError


class AsyncTaskManager:
    """Owns the tasks of a service; the only place where tasks are created.

    A task that fails, or ends though it should run for ever, ends `wait` and with it the service. Leaving the context
    cancels what still runs, last started first, and waits at most `stop_wait_s` for each. All failures leave as one
    `BaseExceptionGroup`; none means a clean stop.
    """

    def __init__(self, *, stop_wait_s: float = 5.0) -> None:
        self._stop_wait_s = stop_wait_s
        self._tasks: dict[asyncio.Task[None], bool] = {}
        self._failures: list[BaseException] = []
        self._changed = asyncio.Event()
        self._log = structlog.get_logger("tasks")

    def start(self, name: str, work: Coroutine[Any, Any, None], *, may_end: bool = False) -> asyncio.Task[None]:
        """Starts a task. One that `may_end` can return without stopping the service (a replay at its end)."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[task] = may_end
        # Also of a task that is started while `wait` waits.
        task.add_done_callback(lambda _: self._changed.set())
        return task

    async def wait(self, until: asyncio.Event) -> None:
        """Returns when `until` is set, or when a task fails or ends that should not."""
        asked = self.start("exit_request", _wait_for(until), may_end=True)
        while not asked.done() and not self._ended():
            self._changed.clear()
            # Cancelled here nothing is lost: the tasks are still owned.
            await self._changed.wait()

    def _ended(self) -> bool:
        return any(task.done() and (not may_end or _failure(task)) for task, may_end in self._tasks.items())

    async def stop(self, *tasks: asyncio.Task[None]) -> None:
        """Ends the given tasks, last one first."""
        for task in reversed(tasks):
            await self._end(task)

    async def _end(self, task: asyncio.Task[None]) -> None:
        if task not in self._tasks:
            return
        ended_by_itself = task.done()
        task.cancel()
        _, pending = await asyncio.wait([task], timeout=self._stop_wait_s)
        may_end = self._tasks.pop(task)
        if pending:
            self._fail(task, TaskError(task.get_name(), f"did not end within {self._stop_wait_s} s"))
        elif error := _failure(task):
            self._fail(task, error)
        elif ended_by_itself and not may_end:
            self._fail(task, TaskError(task.get_name(), "ended by itself"))

    def _fail(self, task: asyncio.Task[None], error: BaseException) -> None:
        self._failures.append(error)
        self._log.error("task_failed", task=task.get_name(), error=repr(error), exc_info=error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(*self._tasks)
        if self._failures:
            raise BaseExceptionGroup("tasks failed", self._failures)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()
