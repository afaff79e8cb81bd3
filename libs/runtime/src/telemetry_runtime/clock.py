"""Time as an argument: what needs the time or waits is given a `Clock`, so that tests need not wait for real."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time and waiting."""

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Waits for real; cancelled here nothing is lost."""
        await asyncio.sleep(seconds)
