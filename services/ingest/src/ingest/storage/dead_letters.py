"""Where refused messages are kept: JSON lines in a file that is rotated and bounded.

A line is `{"at_ns", "reason", "detail", "bytes", "data"}`; `data` is base64 of the message, of its first
`MAX_KEPT_BYTES` where it is longer, and `bytes` its whole length.
"""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from ingest.checking.outcomes import Refusal

MAX_KEPT_BYTES = 64 * 1024
"""What is kept of one message: enough to see what it is, too little for a flood to push all others out at once."""

_MAX_DETAIL = 512


class DeadLetters(Protocol):
    """Keeps refused messages."""

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Keeps each."""
        ...


class DeadLetterFile:
    """Dead letters in `directory/dead-letters.jsonl`; older ones in `.1` to `.{files - 1}`, the highest the oldest.

    A disk that cannot be written to never stops the pipeline: `unkept_messages` counts what could not be kept, and each
    time it begins to fail that is logged.
    """

    def __init__(self, directory: Path, *, file_bytes: int, files: int) -> None:
        self._path = directory / "dead-letters.jsonl"
        self._file_bytes, self._files = file_bytes, files
        self._log = structlog.get_logger("dead_letters")
        self._fails = False
        self.unkept_messages = 0
        directory.mkdir(parents=True, exist_ok=True)
        self._size = self._path.stat().st_size if self._path.exists() else 0

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        """Appends a line a refusal; on disk when it returns, but for a crash of the machine."""
        if not refusals:
            return
        lines = [_line(refusal, now_ns) for refusal in refusals]
        kept = 0
        try:
            for end in self._append(lines):
                kept = end
            self._fails = False
        except OSError as error:
            if not self._fails:
                self._log.error("dead_letters_unwritable", path=str(self._path), error=str(error))
            self._fails = True
            self.unkept_messages += len(refusals) - kept
            self._cut_off()

    def _cut_off(self) -> None:
        """Takes back the part of a line that a full disk took, so that the next line is whole."""
        with suppress(OSError):
            os.truncate(self._path, self._size)

    def _append(self, lines: list[bytes]) -> Iterator[int]:
        """Appends the lines in as many writes as there are files; gives how many are written."""
        start = 0
        while start < len(lines):
            if self._size and self._size + len(lines[start]) > self._file_bytes:
                self._rotate()
            end, room = start + 1, self._file_bytes - self._size - len(lines[start])
            while end < len(lines) and len(lines[end]) <= room:
                room -= len(lines[end])
                end += 1
            part = b"".join(lines[start:end])
            with self._path.open("ab") as file:
                file.write(part)
            self._size += len(part)
            start = end
            yield end

    def _rotate(self) -> None:
        paths = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._files))]
        for older, newer in zip(reversed(paths), reversed(paths[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        if self._files == 1:
            self._path.unlink(missing_ok=True)
        self._size = 0


def _line(refusal: Refusal, now_ns: int) -> bytes:
    letter = {
        "at_ns": now_ns,
        "reason": str(refusal.reason),
        "detail": refusal.detail[:_MAX_DETAIL],
        "bytes": len(refusal.frame),
        "data": base64.b64encode(refusal.frame[:MAX_KEPT_BYTES]).decode(),
    }
    return json.dumps(letter, separators=(",", ":")).encode() + b"\n"
