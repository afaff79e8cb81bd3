"""Time as an argument: what needs the time or waits is given a `Clock`, so that tests need not wait for real."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for what leaves the process, monotonic time for intervals and durations, and waiting."""

    def now_ns(self) -> int:
        """UTC epoch nanoseconds. May be set back or forward at any moment."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment in the past; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """UTC epoch nanoseconds."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment in the past; never goes back."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Waits for real; cancelled here nothing is lost."""
        await asyncio.sleep(seconds)
