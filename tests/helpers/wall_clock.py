"""A wall clock for real processes that a test can set, while the machine's own goes on: services run on it.

`wall_clock.py FILE PROGRAM` runs a program with the time of FILE. Its monotonic time is the machine's.
"""

import mmap
import runpy
import sys
import time
from pathlib import Path

_AHEAD_BYTES = 8
"""The file holds how far the clock is ahead of the machine's, in ns, as a signed integer, little-endian."""


class WallClock:
    """The clock of all processes that run on its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ahead_ns = 0
        path.write_bytes(bytes(_AHEAD_BYTES))

    def now_ns(self) -> int:
        """UTC epoch nanoseconds, as the processes have them."""
        return time.time_ns() + self._ahead_ns

    def step(self, seconds: float) -> None:
        """Sets the clock forward, or back."""
        self._ahead_ns += round(seconds * 1e9)
        with self.path.open("r+b") as file:
            file.write(self._ahead_ns.to_bytes(_AHEAD_BYTES, "little", signed=True))

    def run(self, program: Path) -> list[str | Path]:
        """The command that runs a Python program on this clock."""
        return [sys.executable, __file__, self.path, program]


def _run(path: str, program: str) -> None:
    with Path(path).open("r+b") as file:
        ahead = mmap.mmap(file.fileno(), _AHEAD_BYTES)
    machine_ns = time.time_ns

    def now_ns() -> int:
        return machine_ns() + int.from_bytes(ahead[:], "little", signed=True)

    vars(time).update(time_ns=now_ns, time=lambda: now_ns() / 1e9)
    sys.argv = [program]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    _run(*sys.argv[1:])
