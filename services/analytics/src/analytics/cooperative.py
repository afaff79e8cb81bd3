"""Cooperative multitasking: long work is a generator that yields after each step, so trades are applied in between."""

import asyncio
from collections.abc import Generator
from typing import Any, Generic, TypeAlias, TypeVar

_T = TypeVar("_T")

Steps: TypeAlias = Generator[None, None, _T]
"""Does one step each time it is resumed and returns what came of it; no step takes longer than about a millisecond."""


class CooperativeTask(Generic[_T]):
    """Steps under way. More than one caller may take the next step."""

    def __init__(self, steps: Steps[_T]) -> None:
        self._steps = steps
        self.result: _T
        self.done = False

    def step(self) -> bool:
        """Does the next step; whether there is another one."""
        if not self.done:
            try:
                next(self._steps)
            except StopIteration as stop:
                self.result, self.done = stop.value, True
        return not self.done


class MomentReader:
    """Reads that are each of one moment: their remaining steps are taken before the state that they read changes.

    caller        step ─ step ─ · · · · · · · · · · · ─ done
    fold()                        finish(): all steps ─┘ then the fold changes the state
    """

    def __init__(self) -> None:
        self._active: CooperativeTask[Any] | None = None

    def read(self, steps: Steps[_T]) -> Steps[_T]:
        """The same steps. One reader at a time: a second one would leave the first with the state of two moments."""
        task = CooperativeTask(steps)
        self._active = task
        try:
            # `finish` may take steps of this read while it is suspended here, up to the last one.
            while task.step():
                yield
        finally:
            # Also when the caller gives up (GeneratorExit): otherwise each fold would finish a read that nobody wants.
            self._active = None
        return task.result

    def finish(self) -> None:
        """Takes the remaining steps of a read that is under way, here and now.

        Reentrancy: `read` is suspended at a `yield` while this takes its steps. It must happen before anything is
        folded, or the read would mix two moments: totals of now, windows of then.
        """
        while self._active is not None and self._active.step():
            pass


def run(steps: Steps[_T]) -> _T:
    """Does all steps at once."""
    task = CooperativeTask(steps)
    while task.step():
        pass
    return task.result


async def run_cooperatively(steps: Steps[_T]) -> _T:
    """Does all steps, and yields to the event loop after each."""
    task = CooperativeTask(steps)
    while True:
        if not task.step():
            return task.result
        # Twice: the loop polls its sockets in the first pass and runs what became ready in the second.
        # Cancelled here the remaining steps are not done; the generator's `finally` blocks restore its state.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
