"""The file of a durable queue: SQLite, a row a message, oldest first out; the newest messages are in a tail beside it.

A message that was put is in one of both when `put` returns: a killed process loses none. It is not waited for the disk
(`synchronous=OFF`; the tail is mapped): a power cut of the bot's machine may cost what was not acknowledged yet. Each
row has a checksum, as SQLite's pages have none.

    streams(id, source, run, kind, crc)              each run's kinds of messages, numbered apart
    messages(id, stream, seq, trades, crc, frame)    `id` counts up; rows leave from the front

    put() ──▶ TAIL ──drop_through()──▶ gone          while ingest acknowledges
                │ full
                ▼
              SQLITE ──drop_through()──▶ gone
"""

import ctypes
import os
import sqlite3
import weakref
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from telemetry_client.durable.disk.database import but, close_quietly, store, stream_values
from telemetry_client.durable.disk.file_lock import FileLock
from telemetry_client.durable.disk.opening import new_tail, opened, put_away
from telemetry_client.durable.disk.rows import ROW_BYTES, MessageRow, StreamRow


class QueueFile:
    """The queue of one publisher. Not to be called from two threads at a time.

    Args:
        path: the file; made if it is not there. A damaged one is set aside, and what is whole in it taken over.
        max_bytes: of the messages that it may hold.
        has_tail: whether the newest messages are in a mapped file beside it.

    Raises:
        InvalidSettingError: another process has it, it is of a newer version or no queue, or cannot be written.
    """

    def __init__(self, path: Path, *, max_bytes: int, has_tail: bool = True) -> None:
        self._path, self._max_bytes = path, max_bytes
        self.is_ours = True
        """Not in a child that was forked."""
        self._lock = FileLock(path)
        try:
            self._connection, self.found, self._next_id = opened(path)
        except BaseException:
            self._lock.release()
            raise
        self.held_bytes = sum(row.size_bytes for row in self.found.messages)
        self._dropped_bytes = 0
        """Of messages that are acknowledged and could not be removed yet."""
        self.last_id = self.found.messages[-1].id if self.found.messages else self._next_id - 1
        """The id of the newest message; without any, one below the next."""
        self._stored, self._stored_id = len(self.found.messages), self.last_id
        """How many messages are in SQLite, the newest up to that id; the others are in the tail."""
        self._droppable_id = self._stored_id
        """The newest message in SQLite that is not known to be parked; 0 if all are. To look through these at each drop
        would take 10 ms of each."""
        self._parked: list[int] = []
        """The streams that were parked at the last drop."""
        self._next_stream = _unused_stream({row.id for row in self.found.streams})
        self._tail = new_tail(self._connection, path, self._next_id) if has_tail else None
        _OPEN.add(self)

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
        if self._tail is None or not self._tail.append(row):
            self._put_without_room(row)
        self.last_id = self._next_id
        self._next_id += 1
        self.held_bytes += len(frame) + ROW_BYTES
        return row

    def _put_without_room(self, row: MessageRow) -> None:
        """Moves the oldest part of the tail to SQLite, or all of it; the message too, if it is larger than a part."""
        if self._tail is not None:
            for rows in (self._tail.oldest(), self._tail.held()):
                self._store(rows)
                if self._tail.append(row):
                    return
        self._store([row])

    def _store(self, rows: list[MessageRow], *, are_parked: bool = False) -> None:
        store(self._connection, rows)
        if rows:
            if not are_parked:
                self._droppable_id = rows[-1].id
            self._stored, self._stored_id = self._stored + len(rows), max(self._stored_id, rows[-1].id)
            if self._tail is not None:
                self._tail.drop_through(rows[-1].id)

    def read(self, after_id: int, limit: int, parked: Sequence[int] = ()) -> list[MessageRow]:
        """The next messages behind that one, but for those of these streams."""
        rows: list[MessageRow] = []
        if self._stored and after_id < self._stored_id:
            found = self._connection.execute(
                f"SELECT id, stream, seq, trades, frame FROM messages WHERE id > ?{but(parked)} ORDER BY id LIMIT ?",  # noqa: S608 - numbers
                (after_id, limit),
            )
            rows = [MessageRow(*values) for values in found]
        if len(rows) < limit and self._tail is not None:
            rows += self._tail.read(after_id, limit - len(rows), parked)
        return rows

    def drop_through(self, last_id: int, size_bytes: int, parked: Sequence[int] = ()) -> None:
        """Drops the messages up to that one, which count so many bytes, but for those of these streams."""
        self._dropped_bytes += size_bytes
        if self._parked != [*parked]:
            self._parked, self._droppable_id = [*parked], self._stored_id
        # Where it fails they are acknowledged: they go with the next ones, at worst are sent once more after a restart.
        with suppress(sqlite3.Error):
            if self._tail is not None:
                if parked:
                    moved = [row for row in self._tail.held() if row.id <= last_id and row.stream in parked]
                    self._store(moved, are_parked=True)
                self._tail.drop_through(last_id)
            if self._stored and self._droppable_id:
                done = self._connection.execute(f"DELETE FROM messages WHERE id <= ?{but(parked)}", (last_id,))  # noqa: S608 - numbers
                self._stored -= done.rowcount
                if last_id >= self._droppable_id:
                    self._droppable_id = 0
            self.held_bytes -= self._dropped_bytes
            self._dropped_bytes = 0

    def close(self) -> None:
        """Closes it; what it holds stays, all of it in one file if the disk lets it."""
        _OPEN.discard(self)
        if self._tail is not None:
            put_away(self._connection, self._tail)
        close_quietly(self._connection)
        self._lock.release()

    def leave_to_parent(self) -> None:
        """In a child that was forked: drops the lock, and never closes the connection.

        To close it would write to the file, and remove its write-ahead log, while the parent goes on with both.
        """
        self.is_ours = False
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        self._lock.release()


_STREAMS: Final = 1 << 16
"""More than one process begins."""


def _unused_stream(known: set[int]) -> int:
    """An id that no process has used, so far as chance goes: it must not be in tables that a power cut left behind."""
    while True:
        first = int.from_bytes(os.urandom(4), "little") // 2
        if not any(first <= each < first + _STREAMS for each in known):
            return first


_OPEN: "weakref.WeakSet[QueueFile]" = weakref.WeakSet()
"""Those of this process, for its forks."""


def _leave_all_to_parent() -> None:
    for each in list(_OPEN):
        each.leave_to_parent()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)
