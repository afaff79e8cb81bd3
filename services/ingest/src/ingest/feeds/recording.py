"""Reads recordings: files of frames or of CSV rows, line by line in bounded memory, through their venue's parser.

Frames stand in lines `<received> <frame>`, with blanks or a tab between, or in cryptofeed's `<received>: <frame>`
between connection lines `wss…`; the time of receipt is an epoch count (in s, ms, µs or ns) or ISO 8601. A CSV file may
be newest first: then it is turned round, which takes memory.

Reading is synchronous: a line costs some microseconds, and a replay reads at most a burst of them between two awaits.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain, dropwhile, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from ingest.feeds.base import IGNORED, ParsedFrame, RecordingError
from ingest.feeds.unpack import UNPACK_ERRORS, opened_lines
from ingest.feeds.venues import VENUES, Parser, look_alike
from ingest.feeds.venues.csv_layout import is_remark, layout_of
from ingest.feeds.venues.csv_rows import CsvParser, row_time_ns
from ingest.feeds.venues.frames import FrameError

_SNIFFED_LINES: Final = 512
"""A recording begins with frames of its venue: subscriptions, snapshots, heartbeats."""
_SNIFFED_BYTES: Final = 8 * 1024 * 1024
_MAX_NEWEST_FIRST_BYTES: Final = 256 * 1024 * 1024
_LINES_BETWEEN_PAUSES: Final = 2048
_SUFFIXES: Final = {".csv", ".txt", ".gz", ".zip", ".zst"}


class RecordedFrame(NamedTuple):
    """One frame, when it was received, and what it says."""

    received_ns: int
    """0 where the line does not say; then it is due with its neighbour."""
    frame: bytes
    parsed: ParsedFrame


PAUSE: Final = RecordedFrame(0, b"", IGNORED)
"""No frame: the reader has been busy, and others should have their turn."""


def read_recording(
    path: Path, venue: str, *, source: str | None = None, symbol: str | None = None
) -> Generator[RecordedFrame, None, None]:
    """The frames of a recording in their order. Connection lines, blank lines and a CSV header are no frames.

    Args:
        path: the file.
        venue: whose frames, or csv.
        source: the trades' source; the venue's name if None.
        symbol: of all trades of a CSV file without such a column; the file's name says it if None.

    Raises:
        RecordingError: the file cannot be read, ends before it should, or is not of this venue.
    """
    try:
        with opened_lines(path) as lines:
            head, failure = _head(lines)
            if failure is None and not any(map(bytes.strip, head)):
                raise RecordingError(f"{path} is empty")
            whole = chain(head, _failing(failure) if failure else lines)
            if venue == CsvParser.venue:
                yield from _rows(path, head, whole, source, symbol or _symbol_of(path))
            else:
                parser = VENUES[venue](source)
                _check_venue(path, head, venue, parser)
                yield from (recorded for line in whole for recorded in _frame(line, parser))
    except UNPACK_ERRORS as error:
        raise RecordingError(f"cannot read {path}: {str(error) or type(error).__name__}") from error


def _head(lines: Iterator[bytes]) -> tuple[list[bytes], Exception | None]:
    """The first lines, and what went wrong behind them, if they were the last that can be read."""
    head: list[bytes] = []
    size = 0
    try:
        while len(head) < _SNIFFED_LINES and size < _SNIFFED_BYTES:
            head.append(next(lines))
            size += len(head[-1])
    except StopIteration:
        pass
    except UNPACK_ERRORS as error:
        if not head:
            raise
        return head, error
    return head, None


def _failing(failure: Exception) -> Iterator[bytes]:
    yield from ()
    raise failure


def _frame(line: bytes, parser: Parser) -> Iterator[RecordedFrame]:
    line = line.strip()
    if not line or line.startswith((b"ws://", b"wss://")):
        return
    try:
        received_ns, frame = _split(line)
    except FrameError as error:
        yield RecordedFrame(0, line, ParsedFrame(fault=f"not a line of a recording: {error}"))
        return
    yield RecordedFrame(received_ns, frame, parser.parse(frame, received_ns))


def _split(line: bytes) -> tuple[int, bytes]:
    """The time of receipt and the frame in a line."""
    words = line.split(None, 1)
    if len(words) != 2:  # noqa: PLR2004 - the time and the frame
        raise FrameError("it is one word")
    return row_time_ns(words[0].removesuffix(b":").decode(errors="replace")), words[1]


def _check_venue(path: Path, head: list[bytes], venue: str, parser: Parser) -> None:
    """Raises if none of the first frames looks like one of the venue's: all would be ignored, in silence."""
    frames = []
    for line in head:
        try:
            frames.append(_split(line.strip())[1])
        except FrameError:
            continue
    if not frames:
        first = next((line for line in head if line.strip()), b"")
        advice = "; venue=csv would fit" if CsvParser.knows(head[0]) else f": the first one starts with {first[:32]!r}"
        raise RecordingError(f"{path} is not a recording: no line starts with a time of receipt{advice}")
    if not any(parser.knows(frame) for frame in frames):
        other = next((found for frame in frames if (found := look_alike(frame))), None)
        advice = f"; venue={other} would fit" if other else ""
        raise RecordingError(f"{path} is not a recording of {venue}: no known frame at its beginning{advice}")


def _rows(
    path: Path, head: list[bytes], lines: Iterable[bytes], source: str | None, symbol: str
) -> Iterator[RecordedFrame]:
    first = next(dropwhile(is_remark, head), b"")
    try:
        layout = layout_of(first)
    except FrameError as error:
        raise RecordingError(f"{path} is not a CSV file of trades that is known: {error}{_advice(first)}") from error
    parser = CsvParser(source, layout, symbol)
    header = first.strip() if layout.has_header else b""
    # A header in the middle of a file was left there by whoever put two files together.
    # Remarks stand at the beginning only: a symbol may begin like one.
    rows = (row for line in dropwhile(is_remark, lines) if (row := line.strip()) and row != header)
    newest_first = _newest_first([parser.read(line)[0] for line in head if line.strip()])
    for row in _turned_round(rows) if newest_first else rows:
        yield RecordedFrame(*_received_and(row, parser)) if row else PAUSE


def _received_and(row: bytes, parser: CsvParser) -> tuple[int, bytes, ParsedFrame]:
    received_ns, parsed = parser.read(row)
    return received_ns, row, parsed


def _advice(line: bytes) -> str:
    try:
        other = look_alike(_split(line.strip())[1])
    except FrameError:
        return ""
    return f"; venue={other} would fit" if other else ""


def _newest_first(times_ns: list[int]) -> bool:
    """Whether the rows' times go down rather than up."""
    steps = [later - earlier for earlier, later in pairwise(time_ns for time_ns in times_ns if time_ns)]
    return sum(step < 0 for step in steps) > sum(step > 0 for step in steps)


def _turned_round(rows: Iterator[bytes], max_bytes: int = _MAX_NEWEST_FIRST_BYTES) -> Iterator[bytes]:
    """The rows from the last to the first, after empty ones while they are collected."""
    kept: list[bytes] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += len(row)
        if size > max_bytes:
            raise OSError(f"its newest rows are first, and it is longer than {max_bytes} bytes: sort it by time")
        if len(kept) % _LINES_BETWEEN_PAUSES == 0:
            yield b""
    while kept:
        yield kept.pop()


def _symbol_of(path: Path) -> str:
    """What the name of a file without a column of symbols says: BTCUSDT for BTCUSDT-trades-2025-01-01.zip."""
    name = path.name
    while (suffix := Path(name).suffix) and suffix.lower() in _SUFFIXES:
        name = name.removesuffix(suffix)
    return next((name.partition(kind)[0] for kind in ("-trades-", "-aggTrades-") if kind in name), name)
