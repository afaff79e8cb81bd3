"""The tables of a durable queue in SQLite, and what in them is whole."""

import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from telemetry_client.durable.disk.damage import DamagedFileError
from telemetry_client.durable.disk.rows import Contents, MessageRow, StreamRow, in_order
from telemetry_client.errors import InvalidSettingError

APPLICATION_ID: Final = 0x54544451
"""Says that the file is ours: `TTDQ`."""

WHOLE: Final = 1
"""Version of a file in which all is in the tables, as one that was closed."""

WITH_TAIL: Final = 2
"""Version of one whose newest messages are in a tail beside it."""

VERSION: Final = WITH_TAIL
"""A file of a newer one is refused, as what it holds would be misread."""

_WAL_PAGES: Final = 1000
"""Of 4 kB: how long the write-ahead log grows before SQLite copies it into the file."""

_TABLES: Final = """
    CREATE TABLE streams (id INTEGER PRIMARY KEY, source TEXT, run TEXT, kind TEXT, crc INTEGER);
    CREATE TABLE messages
        (id INTEGER PRIMARY KEY, stream INTEGER, seq INTEGER, trades INTEGER, crc INTEGER, frame BLOB);
"""


def prepare(connection: sqlite3.Connection, path: Path) -> int:
    """Sets the connection up, and makes the tables in a new file; the file's version."""
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
        mark = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={WHOLE};"
        connection.executescript(f"BEGIN; {_TABLES} {mark} COMMIT;")
    return WHOLE if is_new else int(version)


def may_be_ours(path: Path) -> bool:
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


def contents_of(connection: sqlite3.Connection) -> Contents:
    """All that is whole; raises `DamagedFileError` if not all is."""
    streams, messages, damaged = list[StreamRow](), list[MessageRow](), 0
    fault = ""
    try:
        fault = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        for *values, crc in connection.execute("SELECT id, source, run, kind, crc FROM streams ORDER BY id"):
            row = StreamRow(*values)
            if stream_values(row)[-1] == crc:
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
        raise DamagedFileError(why, Contents(streams, in_order(messages)))
    return Contents(streams, messages)


def _is_whole(row: MessageRow, crc: object) -> bool:
    # SQLite keeps whatever type it finds.
    kinds: tuple[type, ...] = tuple(type(each) for each in row)
    return kinds == (int, int, int, int, bytes) and values_of(row)[4] == crc


def values_of(row: MessageRow) -> tuple[object, ...]:
    """The columns of a message."""
    crc = zlib.crc32(b"%d %d %d" % row[1:4], zlib.crc32(row.frame))
    return row.id, row.stream, row.seq, row.trades, crc, row.frame


def stream_values(row: StreamRow) -> tuple[object, ...]:
    """The columns of a kind of messages."""
    return (*row, zlib.crc32("\0".join(map(str, row)).encode()))


def close_quietly(connection: sqlite3.Connection | None) -> None:
    """Closes it, if it was opened; there is nobody to say to that it cannot be."""
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()


def but(streams: Sequence[int]) -> str:
    """A condition that leaves these out."""
    return f" AND stream NOT IN ({','.join(map(str, streams))})" if streams else ""


def store(connection: sqlite3.Connection, messages: Sequence[MessageRow]) -> None:
    """Adds messages, all or none; raises `sqlite3.Error`."""
    if not messages:
        return
    with connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO messages VALUES (?,?,?,?,?,?)", map(values_of, messages))
