"""Keeps one process of the Procfile running: `keep.py NAME COMMAND`, by `run.py` for each of them.

A process that dies is started again, so that the others, and the page that says who is away, go on. One that ends soon
after its first start has a wrong setting or a taken port, and ends all: no second start would help.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

FIRST_WAIT_S: Final = 0.5
MOST_WAIT_S: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Lives:
    """What the length of a life says, in s."""

    started_after_s: float = 20.0
    """Who lived this long has started well; on a busy machine to read the settings may take some seconds."""
    steady_after_s: float = 60.0
    """Who lived this long did not die of its start: the next one waits no longer than the first did."""


class Keeper:
    """Runs a command again and again until it ends well, was asked to stop, or could not start.

    Args:
        name: what it is called in messages.
        command: for the shell; begins with `exec`, so that signals reach the program.
        say: called with a line for a person.
        wait: waits so many seconds; true if the stop was asked for meanwhile.
    """

    def __init__(
        self,
        name: str,
        command: str,
        *,
        say: Callable[[str], None],
        lives: Lives,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._name, self._command, self._say, self._lives = name, command, say, lives
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._process: subprocess.Popen[bytes] | None = None
        self._has_started = False

    def run(self) -> int:
        """The exit code of the last one."""
        wait_s = FIRST_WAIT_S
        while True:
            code, lived_s = self._run_once()
            # Nobody sends a signal to a setting that is wrong.
            self._has_started = self._has_started or code < 0 or lived_s > self._lives.started_after_s
            if code == 0 or self._stopped.is_set() or not self._has_started:
                return code
            wait_s = FIRST_WAIT_S if lived_s > self._lives.steady_after_s else wait_s
            self._say(f"{self._name} {_how(code)} after {lived_s:,.0f} s, and is started again in {wait_s:g} s")
            if self._wait(wait_s):
                return code
            wait_s = min(wait_s * 2, MOST_WAIT_S)

    def stop(self) -> None:
        """Asks the process to end, once: a second request would mean that nobody waits."""
        if not self._stopped.is_set():
            self._stopped.set()
            if self._process is not None:
                self._process.terminate()

    def _run_once(self) -> tuple[int, float]:
        began_s = time.monotonic()
        # A group of its own: what stops this one's group is passed on by this one, and only once.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", self._command],
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - there are no threads here
        )
        if self._stopped.is_set():  # between the two lines before
            self._process.terminate()
        return self._process.wait(), time.monotonic() - began_s


def _how(code: int) -> str:
    return f"ended with {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"


def _die_with_parent() -> None:
    """Asks the kernel for SIGKILL when this one is killed. Linux only; elsewhere the process would stay."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Runs until the process has ended for good."""
    _, name, command = sys.argv
    lives = Lives(started_after_s=float(os.environ.get("KEEP_STARTED_AFTER_S", "20")))
    keeper = Keeper(name, command, say=lambda text: print(f"keep: {text}", flush=True), lives=lives)

    def stop(_number: int, _frame: FrameType | None) -> None:
        keeper.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # As a shell reports it: a process cannot end with a negative code.
    code = keeper.run()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
