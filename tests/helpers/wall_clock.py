"""A wall clock for real processes that a test can set, while the machine's own goes on: services run on it.

`wall_clock.py FILE PROGRAM` runs a program with the time of FILE, `wall_clock.py FILE -m MODULE …` a module. Their
monotonic time is the machine's. What they start with `sys.executable` has that time too.
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


def _interpreter(path: str) -> str:
    """A program that is Python on that clock."""
    program = Path(f"{path}.python")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{path}" "$@"\n')
    program.chmod(0o755)
    return str(program)


def _run(path: str, program: str, *arguments: str) -> None:
    with Path(path).open("r+b") as file:
        ahead = mmap.mmap(file.fileno(), _AHEAD_BYTES)
    machine_ns = time.time_ns

    def now_ns() -> int:
        return machine_ns() + int.from_bytes(ahead[:], "little", signed=True)

    vars(time).update(time_ns=now_ns, time=lambda: now_ns() / 1e9)
    sys.executable = _interpreter(path)
    if program == "-m":
        sys.argv = [*arguments]
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [program, *arguments]
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    _run(*sys.argv[1:])
