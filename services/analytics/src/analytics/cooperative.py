"""Work that is done in steps, so that trades can be taken in between: a generator that yields wherever that may be."""

import asyncio
from collections.abc import Generator
from typing import Generic, TypeAlias, TypeVar

_T = TypeVar("_T")

Steps: TypeAlias = Generator[None, None, _T]
"""Does one step each time it is resumed and returns what came of it; no step takes longer than about a millisecond."""


class Walk(Generic[_T]):
    """Steps under way, that more than one may go on with."""

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


def run(steps: Steps[_T]) -> _T:
    """Does all steps at once."""
    walk = Walk(steps)
    while walk.step():
        pass
    return walk.result


async def stroll(steps: Steps[_T]) -> _T:
    """Does all steps, and lets whatever else the loop has to do come in between."""
    walk = Walk(steps)
    while True:
        if not walk.step():
            return walk.result
        # Twice: what has come during the step is seen after the first time, and done with before the second is over.
        # Cancelled here the rest is not done; a generator cleans up after itself.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
