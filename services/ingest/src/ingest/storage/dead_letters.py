"""Where refused messages are kept: JSON lines in a file that is rotated and bounded, written by a thread.

A line is `{"at_ns", "reason", "detail", "bytes", "data"}`; `data` is base64 of the message, of its first
`MAX_KEPT_BYTES` where it is longer, and `bytes` its whole length.
"""

import base64
import json
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import structlog

from ingest.checking.outcomes import Refusal
from ingest.storage.rotated_file import RotatedFile

MAX_KEPT_BYTES = 64 * 1024
"""What is kept of one message: enough to see what it is, too little for a flood to push all others out at once."""

_MAX_DETAIL = 512

MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
"""What waits for the disk, at most: a few bursts of the largest messages."""

_LETTER_BYTES: Final = 1_024
"""What a letter holds beside its message, at most."""

CLOSE_S: Final = 2.0
"""How long the end waits for the disk."""


class DeadLetters(Protocol):
    """Keeps refused messages."""

    @property
    def unkept_messages(self) -> int:
        """Messages that could not be kept."""
        ...

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Keeps each."""
        ...


class DeadLetterFile:
    """Dead letters in `directory/dead-letters.jsonl`, rotated: see `RotatedFile`."""

    def __init__(self, directory: Path, *, file_bytes: int, files: int) -> None:
        path = directory / "dead-letters.jsonl"
        self._file = RotatedFile(path, file_bytes=file_bytes, files=files, event="dead_letters_unwritable")

    @property
    def unkept_messages(self) -> int:
        """Messages that the disk did not take."""
        return self._file.unkept_lines

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Appends a line a refusal; on disk when it returns, but for a crash of the machine."""
        if refusals:
            self._file.write([_line(refusal, now_ns) for refusal in refusals])


class DeadLetterThread:
    """Writes dead letters from a thread, so that whoever refuses never waits for the disk.

    A disk that is slower than the refusals, or stands, costs letters, which are counted, and nothing else.

    Args:
        letters: the file; used by the thread alone.
        max_waiting_bytes: what waits for the disk, at most.
    """

    def __init__(self, letters: DeadLetters, *, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._letters, self._room_bytes = letters, max_waiting_bytes
        self._waiting: queue.SimpleQueue[tuple[Sequence[Refusal], int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._overflowed = self._failed = 0
        self._is_full = self._is_failing = False
        self._log = structlog.get_logger("dead_letters")
        # A daemon: a disk that stands must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="dead letters", daemon=True)

    @property
    def unkept_messages(self) -> int:
        """Messages that the disk did not take, for which it was too slow, or of which no letter could be made."""
        return self._overflowed + self._failed + self._letters.unkept_messages

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Takes them over; never waits."""
        if not refusals:
            return
        taken = self._take(refusals)
        if taken:
            self._waiting.put((taken, now_ns))
        self._overflowed += len(refusals) - len(taken)
        if len(taken) < len(refusals) and not self._is_full:
            self._log.error("dead_letters_disk_too_slow", unkept_messages=self.unkept_messages)
        self._is_full = len(taken) < len(refusals)

    def _take(self, refusals: Sequence[Refusal]) -> Sequence[Refusal]:
        """Those for which there is room."""
        with self._lock:
            for taken, refusal in enumerate(refusals):
                size_bytes = _size_bytes(refusal)
                if size_bytes > self._room_bytes:
                    return refusals[:taken]
                self._room_bytes -= size_bytes
        return refusals

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            refusals, now_ns = waiting
            self._write(refusals, now_ns)
            with self._lock:
                self._room_bytes += sum(map(_size_bytes, refusals))

    def _write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        try:
            self._letters.write(refusals, now_ns)
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread: its end would be seen by nobody
            self._failed += len(refusals)
            if not self._is_failing:
                self._log.exception("dead_letters_failed", error=str(error), unkept_messages=self.unkept_messages)
            self._is_failing = True
        else:
            self._is_failing = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends after what waits, for at most `CLOSE_S`; what is not written by then is lost."""
        self._waiting.put(None)
        self._thread.join(CLOSE_S)


def _size_bytes(refusal: Refusal) -> int:
    return len(refusal.frame) + _LETTER_BYTES


def _line(refusal: Refusal, now_ns: int) -> bytes:
    letter = {
        "at_ns": now_ns,
        "reason": str(refusal.reason),
        "detail": refusal.detail[:_MAX_DETAIL],
        "bytes": len(refusal.frame),
        "data": base64.b64encode(refusal.frame[:MAX_KEPT_BYTES]).decode(),
    }
    return json.dumps(letter, separators=(",", ":")).encode() + b"\n"
