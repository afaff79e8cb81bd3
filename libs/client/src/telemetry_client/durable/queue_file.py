"""The file of a durable queue: SQLite, a row a message, oldest first out.

A message that was put is in the file when `put` returns: a killed process loses none. It is not waited for the disk
(`synchronous=OFF`: 7 µs a message instead of 23, and no pauses of 160 ms): a power cut of the bot's machine may cost
what was not acknowledged yet. Each row has a checksum, as SQLite's pages have none.

    streams(id, source, run, kind, crc)              each run's kinds of messages, numbered apart
    messages(id, stream, seq, trades, crc, frame)    `id` counts up; rows leave from the front
"""

import ctypes
import os
import sqlite3
import weakref
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from telemetry_client.durable.damage import DamagedFileError, set_aside
from telemetry_client.durable.file_lock import FileLock
from telemetry_client.durable.rows import ROW_BYTES, Contents, MessageRow, StreamRow, in_order
from telemetry_client.errors import InvalidSettingError

APPLICATION_ID: Final = 0x54544451
"""Says that the file is ours: `TTDQ`."""

VERSION: Final = 1
"""Of the tables. A file of a newer one is refused, as what it holds would be misread."""

_WAL_PAGES: Final = 1000
"""Of 4 kB: how long the write-ahead log grows before SQLite copies it into the file."""

_TABLES: Final = """
    CREATE TABLE streams (id INTEGER PRIMARY KEY, source TEXT, run TEXT, kind TEXT, crc INTEGER);
    CREATE TABLE messages
        (id INTEGER PRIMARY KEY, stream INTEGER, seq INTEGER, trades INTEGER, crc INTEGER, frame BLOB);
"""


class QueueFile:
    """The queue of one publisher. Not to be called from two threads at a time.

    Args:
        path: the file; made if it is not there. A damaged one is set aside, and what is whole in it taken over.
        max_bytes: of the messages that it may hold.

    Raises:
        InvalidSettingError: another process has it, it is of a newer version or no queue, or cannot be written.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._lock = FileLock(path)
        try:
            self._connection, self.found = self._open()
        except BaseException:
            self._lock.release()
            raise
        self.held_bytes = sum(row.size_bytes for row in self.found.messages)
        self._dropped_bytes = 0
        """Of messages that are acknowledged and could not be removed yet."""
        self._next_id = self.found.messages[-1].id + 1 if self.found.messages else 1
        self._next_stream = max((row.id for row in self.found.streams), default=0) + 1
        _OPEN.add(self)

    @property
    def last_id(self) -> int:
        """The id of the newest message that was ever put; 0 if there was none."""
        return self._next_id - 1

    def _open(self) -> tuple[sqlite3.Connection, Contents]:
        if not _may_be_ours(self._path):
            # SQLite itself would write over a file of a few bytes.
            raise InvalidSettingError(f"durable: {self._path} holds something else; give another path, or remove it")
        try:
            return self._open_existing()
        except DamagedFileError as error:
            kept = error.contents
            set_aside(self._path, f"{error}; {len(kept.messages)} of its messages are whole and are taken over")
        try:
            connection, _ = self._open_existing()
            with connection:
                connection.execute("BEGIN")
                connection.executemany("INSERT INTO streams VALUES (?,?,?,?,?)", map(_stream_values, kept.streams))
                connection.executemany("INSERT INTO messages VALUES (?,?,?,?,?,?)", map(_values, kept.messages))
        except (DamagedFileError, sqlite3.Error) as error:
            raise InvalidSettingError(f"durable: {self._path} cannot be used: {error}") from error
        return connection, kept

    def _open_existing(self) -> tuple[sqlite3.Connection, Contents]:
        connection = None
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=0)
            _prepare(connection, self._path)
            return connection, _contents(connection)
        except sqlite3.OperationalError as error:
            _close(connection)
            raise InvalidSettingError(f"durable: {self._path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            _close(connection)
            raise DamagedFileError(str(error), Contents([], [])) from error
        except (DamagedFileError, InvalidSettingError):
            _close(connection)
            raise

    def add_stream(self, source: str, run: str, kind: str) -> StreamRow:
        """A new kind of messages, or run; raises `sqlite3.Error` if the disk does not take it."""
        row = StreamRow(self._next_stream, source, run, kind)
        self._connection.execute("INSERT INTO streams VALUES (?,?,?,?,?)", _stream_values(row))
        self._next_stream += 1
        return row

    def forget_streams(self, ids: Iterable[int]) -> None:
        """Forgets kinds of messages that have no message left."""
        with suppress(sqlite3.Error):  # then they are found again, empty, at the next start
            self._connection.executemany("DELETE FROM streams WHERE id = ?", [(each,) for each in ids])

    def has_room(self, size_bytes: int) -> bool:
        """Whether a message of so many bytes fits."""
        return self.held_bytes + size_bytes <= self._max_bytes

    def put(self, stream: int, seq: int, trades: int, frame: bytes) -> MessageRow:
        """Adds a message; raises `sqlite3.Error` if the disk does not take it."""
        row = MessageRow(self._next_id, stream, seq, trades, frame)
        self._connection.execute("INSERT INTO messages VALUES (?,?,?,?,?,?)", _values(row))
        self._next_id += 1
        self.held_bytes += len(frame) + ROW_BYTES
        return row

    def read(self, after_id: int, limit: int, parked: Sequence[int] = ()) -> list[MessageRow]:
        """The next messages behind that one, but for those of these streams."""
        found = self._connection.execute(
            f"SELECT id, stream, seq, trades, frame FROM messages WHERE id > ?{_but(parked)} ORDER BY id LIMIT ?",  # noqa: S608 - numbers
            (after_id, limit),
        )
        return [MessageRow(*values) for values in found]

    def drop_through(self, last_id: int, size_bytes: int, parked: Sequence[int] = ()) -> None:
        """Drops the messages up to that one, which count so many bytes, but for those of these streams."""
        self._dropped_bytes += size_bytes
        # Where it fails they are acknowledged: they go with the next ones, at worst are sent once more after a restart.
        with suppress(sqlite3.Error):
            self._connection.execute(f"DELETE FROM messages WHERE id <= ?{_but(parked)}", (last_id,))  # noqa: S608 - numbers
            self.held_bytes -= self._dropped_bytes
            self._dropped_bytes = 0

    def close(self) -> None:
        """Closes it; what it holds stays."""
        _OPEN.discard(self)
        _close(self._connection)
        self._lock.release()

    def leave_to_parent(self) -> None:
        """In a child that was forked: drops the lock, and never closes the connection.

        To close it would write to the file, and remove its write-ahead log, while the parent goes on with both.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        self._lock.release()


def _but(streams: Sequence[int]) -> str:
    return f" AND stream NOT IN ({','.join(map(str, streams))})" if streams else ""


_OPEN: "weakref.WeakSet[QueueFile]" = weakref.WeakSet()
"""Those of this process, for its forks."""


def _leave_all_to_parent() -> None:
    for each in list(_OPEN):
        each.leave_to_parent()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Sets the connection up, and makes the tables in a new file."""
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    application_id, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _NAMES)
    is_new = not connection.execute("SELECT 1 FROM sqlite_master").fetchone() and not application_id
    if not is_new and application_id != APPLICATION_ID:
        raise InvalidSettingError(f"durable: {path} is a database of something else; give another path")
    if not is_new and version > VERSION:
        raise InvalidSettingError(
            f"durable: {path} was written by a newer version ({version}, known is {VERSION}); update the client"
        )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    if is_new:
        mark = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};"
        connection.executescript(f"BEGIN; {_TABLES} {mark} COMMIT;")


def _may_be_ours(path: Path) -> bool:
    """Whether it begins as one of ours, or with nothing, as after a power cut, or cannot be read at all."""
    try:
        with path.open("rb") as file:
            head = file.read(_MARK_AT + 4)
    except OSError:
        return True
    is_marked = head[_MARK_AT:] == APPLICATION_ID.to_bytes(4)
    return head.startswith(_MAGIC) or is_marked or not head.strip(b"\0")


_MAGIC: Final = b"SQLite format 3\0"
_MARK_AT: Final = 68
"""Where a SQLite file has its application's number, 4 bytes, big-endian (SQLite's file format, 1.3)."""

_NAMES: Final = ("application_id", "user_version")


def _contents(connection: sqlite3.Connection) -> Contents:
    """All that is whole; raises `DamagedFileError` if not all is."""
    streams, messages, damaged = list[StreamRow](), list[MessageRow](), 0
    fault = ""
    try:
        fault = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        for *values, crc in connection.execute("SELECT id, source, run, kind, crc FROM streams ORDER BY id"):
            row = StreamRow(*values)
            if _stream_values(row)[-1] == crc:
                streams.append(row)
            else:
                damaged += 1
        known = {row.id for row in streams}
        for *values, crc in connection.execute("SELECT id, stream, seq, trades, frame, crc FROM messages ORDER BY id"):
            if _is_whole(message := MessageRow(*values), crc) and message.stream in known:
                messages.append(message)
            else:
                damaged += 1
    except sqlite3.DatabaseError as error:
        fault = str(error)
    if fault != "ok" or damaged:
        why = fault if fault != "ok" else f"{damaged} of its rows are not as they were written"
        raise DamagedFileError(why, Contents(streams, in_order(messages), damaged))
    return Contents(streams, messages)


def _is_whole(row: MessageRow, crc: object) -> bool:
    # SQLite keeps whatever type it finds.
    kinds: tuple[type, ...] = tuple(type(each) for each in row)
    return kinds == (int, int, int, int, bytes) and _values(row)[4] == crc


def _values(row: MessageRow) -> tuple[object, ...]:
    crc = zlib.crc32(b"%d %d %d" % row[1:4], zlib.crc32(row.frame))
    return row.id, row.stream, row.seq, row.trades, crc, row.frame


def _stream_values(row: StreamRow) -> tuple[object, ...]:
    return (*row, zlib.crc32("\0".join(map(str, row)).encode()))


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()
