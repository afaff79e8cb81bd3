"""A thread that reports every few seconds that a publisher is there, however quiet its bot is."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_FIRST_S: Final = 0.02
"""The first report comes soon, so that a run which dies at once is known; while nobody hears it, ever less often."""


class Heartbeat:
    """Calls `beat` again and again once it was started, until it is stopped or the publisher is gone.

    Args:
        find_beat: gives the function that reports, and whether the report went out; None once the publisher is gone. A
            reference to it would keep the publisher from going.
        every_s: time from one report to the next.
    """

    def __init__(self, find_beat: Callable[[], Callable[[], bool] | None], every_s: float) -> None:
        self._find_beat, self._every_s = find_beat, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry heartbeat", daemon=True)

    def start(self) -> None:
        """Starts the thread; where the system gives none, the bot goes on without it."""
        with suppress(RuntimeError):
            self._thread.start()

    @property
    def is_here(self) -> bool:
        """Whether this is asked in its thread."""
        return self._thread is threading.current_thread()

    def stop(self) -> None:
        """Ends the thread; not to be called in a fork. Does nothing the second time."""
        self._stopping.set()
        # The publisher may go at the end of a beat, in this very thread.
        if self._thread.is_alive() and not self.is_here:
            self._thread.join()

    def _run(self) -> None:
        wait_s = min(_FIRST_S, self._every_s)
        while not self._stopping.wait(wait_s):
            beat = self._find_beat()
            if beat is None:
                return
            wait_s = self._every_s if beat() else min(2 * wait_s, self._every_s)
            del beat  # else it would keep the publisher while it waits
