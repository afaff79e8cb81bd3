"""Where log lines go: a thread writes them, so that whoever logs never waits and never sees an error.

A full disk, a closed pipe or a reader that stopped reading costs lines, which are counted, and nothing else.
"""

import os
import queue
import select
import threading
from contextlib import suppress
from typing import Final

MAX_WAITING_LINES: Final = 1_000
"""Lines that wait for a slow reader; what comes beyond is lost. A service at work logs a few a minute."""

MAX_LINE_CHARS: Final = 65_536
"""A longer line (a deep traceback) is cut, so that what waits is bounded in bytes."""

_RETRY_S: Final = 1.0


class LogWriter:
    """A text stream, as far as loggers need one, that writes to a file descriptor from a thread of its own."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING_LINES)
        self._lock = threading.Lock()
        self.lost_lines = 0
        """Lines that could not be written, or found too many waiting."""
        # A daemon: a reader that never reads again must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Takes a line; never waits, never raises."""
        try:
            self._lines.put_nowait(text[:MAX_LINE_CHARS] + "\n" * (len(text) > MAX_LINE_CHARS))
        except queue.Full:
            self._lose()

    def flush(self) -> None:
        """Does nothing: a line is on its way as soon as it is taken."""

    def close(self, *, wait_s: float = 1.0) -> None:
        """Ends the thread after what waits, for at most so long; what is not written by then is lost."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=wait_s)
        self._thread.join(wait_s)

    def _lose(self) -> None:
        with self._lock:  # counted from two threads
            self.lost_lines += 1

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                self._write(text.encode(errors="backslashreplace"))
            except OSError:
                self._lose()

    def _write(self, rest: bytes) -> None:
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                # Somebody made the descriptor non-blocking: wait here, where waiting costs nothing.
                select.select([], [self._fd], [], _RETRY_S)
