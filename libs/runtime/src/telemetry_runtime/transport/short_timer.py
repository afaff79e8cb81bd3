"""Waits of less than a millisecond that do not block the event loop.

asyncio's timers round up to a millisecond and uvloop's round down to none. Linux has timers that a file descriptor
reports (`timerfd`), exact to some ten microseconds; Python has them in `os` from 3.13 on, before that through libc.
"""

import asyncio
import ctypes
import os
from typing import Final, Self

_CLOCK_MONOTONIC: Final = 1
_FLAGS: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
"""Those of `timerfd_create` have the values of the flags of `open`."""

_COUNT_BYTES: Final = 8


class _Times(ctypes.Structure):
    """`struct itimerspec`: an interval, which is not used, and the time until the end, in seconds and nanoseconds."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class ShortTimer:
    """A timer for one waiter at a time, once it was opened in an event loop; `open` gives None where there is none."""

    def __init__(self, libc: ctypes.CDLL, fd: int) -> None:
        self._libc, self._fd = libc, fd
        self._times = _Times()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._end)
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    def open(cls) -> Self | None:
        """A timer; None on a platform without them."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            fd = libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        except (AttributeError, OSError, TypeError):
            return None
        return cls(libc, fd) if fd >= 0 else None

    async def wait(self, wait_us: int) -> None:
        """Returns after so many microseconds, at least one; cancelled here nothing is lost."""
        self._waiter = self._loop.create_future()
        self._times.value_s, rest_us = divmod(max(wait_us, 1), 1_000_000)
        self._times.value_ns = 1_000 * rest_us
        self._libc.timerfd_settime(self._fd, 0, ctypes.byref(self._times), None)
        await self._waiter

    def _end(self) -> None:
        # Read, or the descriptor stays readable and the loop spins.
        try:
            os.read(self._fd, _COUNT_BYTES)
        except BlockingIOError:
            return  # it was set anew after it had been reported: whoever waits now waits for its next end
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Ends it; whoever waits goes on at once."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
