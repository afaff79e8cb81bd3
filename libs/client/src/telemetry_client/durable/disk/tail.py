"""The newest messages of a durable queue: a mapped file of fixed size beside SQLite's.

What is copied into a mapped file outlives this process, however it ends, as what is written does; and it costs the
copy instead of a transaction. While ingest acknowledges, messages come and go here, and SQLite sees none of them.

    PATH.tail   │ magic │ next id │ floor id │ part 0 ──▶    │ part 1 ──▶    │ …
                  8 B     8 B       8 B        records         records
    record      │ crc │ length │ id │ stream │ trades │ seq │ frame │

The parts are filled in turn, each from its front, once all that was in it is gone. Valid are the ids from above `floor
id` to below `next id`, which is raised when the record is whole: what else is there is of earlier times.
"""

import mmap
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from telemetry_client.durable.disk.rows import MessageRow

PART_BYTES: Final = 256 * 1024
"""Some 1,000 single trades: what one transaction of 3 ms moves to SQLite."""

PARTS: Final = 16

TAIL_BYTES: Final = PARTS * PART_BYTES
"""More than may be in flight of single trades."""

MAGIC: Final = b"TTDTAIL1"

_MARKS_AT: Final = len(MAGIC)
_RECORDS_AT: Final = 64
_FIELDS: Final = struct.Struct("=IQIIQ")
"""Length of the frame, id, stream, trades, seq; a CRC-32 of them and the frame is before them."""

_CRC: Final = struct.Struct("=I")
_HEAD_BYTES: Final = _CRC.size + _FIELDS.size


class TailContents(NamedTuple):
    """What an earlier process has left, by id; those in `missing` were there and cannot be read."""

    rows: dict[int, MessageRow]
    next_id: int
    missing: frozenset[int]
    fault: str = ""
    """Why nothing of it can be read, though there should be something."""


class NoTailError(Exception):
    """The file is not as it was written at all; `may_be_ours` says whether it could have been."""

    def __init__(self, text: str, *, may_be_ours: bool) -> None:
        super().__init__(text)
        self.may_be_ours = may_be_ours


def tail_path(path: Path) -> Path:
    """Where the tail of the queue at that path is."""
    return path.with_name(f"{path.name}.tail")


def read_tail(path: Path) -> TailContents:
    """What is in the file.

    Raises:
        NoTailError: it is no such file, or damaged in its marks.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    if len(content) != TAIL_BYTES or not content.startswith(MAGIC):
        # After a power cut there may be a name and a size, and nothing but zeros behind them.
        head = content[: len(MAGIC)]
        raise NoTailError(f"{path.name} is not as it was written", may_be_ours=head in {MAGIC, bytes(len(head))})
    next_id, floor_id = struct.unpack_from("=QQ", content, _MARKS_AT)
    if not floor_id < next_id <= floor_id + TAIL_BYTES // _HEAD_BYTES:
        raise NoTailError(f"the marks of {path.name} are not as they were written", may_be_ours=True)
    found = [row for part in range(PARTS) for row in _records(content, *_bounds(part))]
    rows = {row.id: row for row in sorted(found) if floor_id < row.id < next_id}
    return TailContents(rows, next_id, frozenset(range(floor_id + 1, next_id)) - rows.keys())


def empty_tail(path: Path, next_id: int) -> None:
    """Marks as gone what the file holds, if there is one: in its place, so that it needs no room.

    Raises:
        OSError: it cannot be written.
    """
    with suppress(FileNotFoundError), path.open("r+b") as file:
        file.seek(_MARKS_AT)
        file.write(_marks(next_id))


def _marks(next_id: int) -> bytes:
    """Those of a tail that holds nothing."""
    return struct.pack("=QQ", next_id, next_id - 1)


def _bounds(part: int) -> tuple[int, int]:
    """Where a part begins and ends; before the first are the marks."""
    return part * PART_BYTES or _RECORDS_AT, (part + 1) * PART_BYTES


def _records(content: bytes, at: int, end: int) -> list[MessageRow]:
    """Those of one part that are whole. One that is not is passed, as far as its length can be believed."""
    rows: list[MessageRow] = []
    while at + _HEAD_BYTES <= end:
        (crc,) = _CRC.unpack_from(content, at)
        length, row_id, stream, trades, seq = _FIELDS.unpack_from(content, at + _CRC.size)
        begin = at + _HEAD_BYTES
        if not length or begin + length > end:
            break
        if zlib.crc32(content[at + _CRC.size : begin + length]) == crc:
            rows.append(MessageRow(row_id, stream, seq, trades, content[begin : begin + length]))
        at = begin + length
    return rows


class Tail:
    """A new file, which replaces one that was there; ids go on from `next_id`. For one thread at a time.

    Raises:
        OSError: there is no room for it.
    """

    def __init__(self, path: Path, next_id: int) -> None:
        self._path = path
        new = path.with_name(f"{path.name}.new")
        try:
            # All of it: a page that finds no room later ends the process (SIGBUS).
            new.write_bytes((MAGIC + _marks(next_id)).ljust(TAIL_BYTES, b"\0"))
        except OSError:
            with suppress(OSError):
                new.unlink()  # else what there was of it would take the room that SQLite needs
            raise
        with new.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), TAIL_BYTES)
        new.replace(path)
        self._marks = memoryview(self._map)[_MARKS_AT : _MARKS_AT + 16].cast("Q")
        self.rows: dict[int, MessageRow] = {}
        self.first_id = next_id
        """Below it nothing is here."""
        self._part = 0
        self._at, self._end = _bounds(0)
        self._last_ids = [0] * PARTS

    def append(self, row: MessageRow) -> bool:
        """Adds the next message; False if there is no room before others have left."""
        frame = row.frame
        size = _HEAD_BYTES + len(frame)
        if self._at + size > self._end and not self._turn(size):
            return False
        fields = _FIELDS.pack(len(frame), row.id, row.stream, row.trades, row.seq)
        at = self._at
        self._map[at : at + size] = b"%b%b%b" % (_CRC.pack(zlib.crc32(frame, zlib.crc32(fields))), fields, frame)
        self._marks[0] = row.id + 1
        self._at = at + size
        self._last_ids[self._part] = row.id
        self.rows[row.id] = row
        return True

    def _turn(self, size: int) -> bool:
        following = (self._part + 1) % PARTS
        begin, end = _bounds(following)
        if self._last_ids[following] >= self.first_id or begin + size > end:
            return False
        self._part, self._at, self._end = following, begin, end
        return True

    def read(self, after_id: int, limit: int, parked: Sequence[int]) -> list[MessageRow]:
        """The next messages behind that one, but for those of these streams."""
        rows: list[MessageRow] = []
        for each in range(max(after_id + 1, self.first_id), self._marks[0]):
            row = self.rows.get(each)
            if row is not None and row.stream not in parked:
                rows.append(row)
                if len(rows) == limit:
                    break
        return rows

    def held(self) -> list[MessageRow]:
        """All of them, in order."""
        return list(self.rows.values())

    def oldest(self) -> list[MessageRow]:
        """The messages that must leave before there is room: those of the part that was filled first."""
        last_id = self._last_ids[(self._part + 1) % PARTS]
        return [self.rows[each] for each in range(self.first_id, last_id + 1) if each in self.rows]

    def drop_through(self, last_id: int) -> None:
        """Forgets the messages up to that one."""
        if last_id >= self.first_id:
            self._marks[0] = max(self._marks[0], last_id + 1)
            self._marks[1] = last_id
            for each in range(self.first_id, last_id + 1):
                self.rows.pop(each, None)
            self.first_id = last_id + 1

    def drop_all(self) -> None:
        """Forgets all messages."""
        self.drop_through(self._marks[0] - 1)

    def close(self) -> None:
        """Lets go of the file, which stays."""
        self._marks.release()
        self._map.close()

    def remove(self) -> None:
        """Closes and removes it."""
        self.close()
        self._path.unlink(missing_ok=True)
