"""Where refused messages are kept: JSON lines in a file that is rotated and bounded.

A line is `{"at_ns", "reason", "detail", "bytes", "data"}`; `data` is base64 of the message, of its first
`MAX_KEPT_BYTES` where it is longer, and `bytes` its whole length.
"""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ingest.checking.outcomes import Refusal
from ingest.storage.rotated_file import RotatedFile

MAX_KEPT_BYTES = 64 * 1024
"""What is kept of one message: enough to see what it is, too little for a flood to push all others out at once."""

_MAX_DETAIL = 512


class DeadLetters(Protocol):
    """Keeps refused messages."""

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


def _line(refusal: Refusal, now_ns: int) -> bytes:
    letter = {
        "at_ns": now_ns,
        "reason": str(refusal.reason),
        "detail": refusal.detail[:_MAX_DETAIL],
        "bytes": len(refusal.frame),
        "data": base64.b64encode(refusal.frame[:MAX_KEPT_BYTES]).decode(),
    }
    return json.dumps(letter, separators=(",", ":")).encode() + b"\n"
