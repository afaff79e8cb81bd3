"""Recordings: gzip or plain files of frames, read line by line in bounded memory.

Three formats, distinguished by their lines: `<received, epoch ns> <frame>`; cryptofeed's `<received, epoch s>: <frame>`
between connection lines `wss…`; and CSV with the header `symbol,side,price,amount,timestamp`.

Reading is synchronous: a line costs a microsecond, and a replay reads at most a burst of them between two awaits.
"""

import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from ingest.feeds.base import RecordingError
from ingest.feeds.venues.csv_rows import HEADER, row_time_ns, split_row
from ingest.feeds.venues.frames import FrameError, bounded_ns, seconds_ns

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""A longer line is cut into several, each of which is refused: book snapshots reach some 100 kB."""

_GZIP_MAGIC: Final = b"\x1f\x8b"


class RecordedFrame(NamedTuple):
    """One frame and when it was received; or a line that holds none, and why."""

    received_ns: int
    """0 where there is a fault."""
    frame: bytes
    fault: str | None = None


def read_frames(path: Path) -> Generator[RecordedFrame, None, None]:
    """The frames of a recording in their order. Connection lines, blank lines and the CSV header are no frames.

    Raises:
        RecordingError: the file cannot be read, or ends before it should.
    """
    try:
        with closing(_open(path)) as file:
            yield from _frames(file)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"cannot read {path}: {error}") from error


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        zipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return gzip.open(path) if zipped else path.open("rb")


def _frames(file: io.BufferedIOBase) -> Iterator[RecordedFrame]:
    lines = iter(partial(file.readline, MAX_LINE_BYTES), b"")
    first = next(lines, b"")
    if tuple(split_row(first)) == HEADER:
        yield from (_row(line.strip()) for line in lines if line.strip())
        return
    yield from _frame(first)
    for line in lines:
        yield from _frame(line)


def _frame(line: bytes) -> Iterator[RecordedFrame]:
    line = line.strip()
    if not line or line.startswith((b"ws://", b"wss://")):
        return
    head, _, frame = line.partition(b" ")
    if not frame:
        yield RecordedFrame(0, line, "not a line of a recording: it is one word")
        return
    try:
        yield RecordedFrame(_received_ns(head), frame)
    except FrameError as error:
        yield RecordedFrame(0, line, f"not a line of a recording: {error}")


def _received_ns(head: bytes) -> int:
    if head.endswith(b":"):
        return bounded_ns(seconds_ns(head[:-1].decode(errors="replace")))
    if head.isdigit() and len(head) < 20:  # noqa: PLR2004 - 2**63 has 19 digits
        return bounded_ns(int(head))
    raise FrameError(f"{head[:64]!r} is not a time of receipt")


def _row(line: bytes) -> RecordedFrame:
    row = split_row(line)
    try:
        return RecordedFrame(row_time_ns(row[-1] if row else ""), line)
    except FrameError as error:
        return RecordedFrame(0, line, f"not a row of a recording: {error}")
