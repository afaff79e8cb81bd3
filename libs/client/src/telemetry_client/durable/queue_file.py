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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from telemetry_client.durable.damage import DamagedFileError, set_aside
from telemetry_client.durable.database import (
    but,
    close_quietly,
    contents_of,
    may_be_ours,
    prepare,
    stream_values,
    values_of,
)
from telemetry_client.durable.file_lock import FileLock
from telemetry_client.durable.rows import ROW_BYTES, Contents, MessageRow, StreamRow
from telemetry_client.errors import InvalidSettingError


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
        if not may_be_ours(self._path):
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
                connection.executemany("INSERT INTO streams VALUES (?,?,?,?,?)", map(stream_values, kept.streams))
                connection.executemany("INSERT INTO messages VALUES (?,?,?,?,?,?)", map(values_of, kept.messages))
        except (DamagedFileError, sqlite3.Error) as error:
            raise InvalidSettingError(f"durable: {self._path} cannot be used: {error}") from error
        return connection, kept

    def _open_existing(self) -> tuple[sqlite3.Connection, Contents]:
        connection = None
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=0)
            prepare(connection, self._path)
            return connection, contents_of(connection)
        except sqlite3.OperationalError as error:
            close_quietly(connection)
            raise InvalidSettingError(f"durable: {self._path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            close_quietly(connection)
            raise DamagedFileError(str(error), Contents([], [])) from error
        except (DamagedFileError, InvalidSettingError):
            close_quietly(connection)
            raise

    def add_stream(self, source: str, run: str, kind: str) -> StreamRow:
        """A new kind of messages, or run; raises `sqlite3.Error` if the disk does not take it."""
        row = StreamRow(self._next_stream, source, run, kind)
        self._connection.execute("INSERT INTO streams VALUES (?,?,?,?,?)", stream_values(row))
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
        self._connection.execute("INSERT INTO messages VALUES (?,?,?,?,?,?)", values_of(row))
        self._next_id += 1
        self.held_bytes += len(frame) + ROW_BYTES
        return row

    def read(self, after_id: int, limit: int, parked: Sequence[int] = ()) -> list[MessageRow]:
        """The next messages behind that one, but for those of these streams."""
        found = self._connection.execute(
            f"SELECT id, stream, seq, trades, frame FROM messages WHERE id > ?{but(parked)} ORDER BY id LIMIT ?",  # noqa: S608 - numbers
            (after_id, limit),
        )
        return [MessageRow(*values) for values in found]

    def drop_through(self, last_id: int, size_bytes: int, parked: Sequence[int] = ()) -> None:
        """Drops the messages up to that one, which count so many bytes, but for those of these streams."""
        self._dropped_bytes += size_bytes
        # Where it fails they are acknowledged: they go with the next ones, at worst are sent once more after a restart.
        with suppress(sqlite3.Error):
            self._connection.execute(f"DELETE FROM messages WHERE id <= ?{but(parked)}", (last_id,))  # noqa: S608 - numbers
            self.held_bytes -= self._dropped_bytes
            self._dropped_bytes = 0

    def close(self) -> None:
        """Closes it; what it holds stays."""
        _OPEN.discard(self)
        close_quietly(self._connection)
        self._lock.release()

    def leave_to_parent(self) -> None:
        """In a child that was forked: drops the lock, and never closes the connection.

        To close it would write to the file, and remove its write-ahead log, while the parent goes on with both.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        self._lock.release()


_OPEN: "weakref.WeakSet[QueueFile]" = weakref.WeakSet()
"""Those of this process, for its forks."""


def _leave_all_to_parent() -> None:
    for each in list(_OPEN):
        each.leave_to_parent()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)
