"""Opens what an earlier process has left: tables and tail together, in the end all in the tables; and closes it so."""

import logging
import sqlite3
import time
from pathlib import Path

from telemetry_client.durable.disk.damage import DamagedFileError, put_back, set_aside
from telemetry_client.durable.disk.database import (
    WHOLE,
    WITH_TAIL,
    close_quietly,
    contents_of,
    may_be_ours,
    prepare,
    store,
    stream_values,
)
from telemetry_client.durable.disk.rows import Contents, in_order
from telemetry_client.durable.disk.tail import NoTailError, Tail, TailContents, empty_tail, read_tail, tail_path
from telemetry_client.errors import InvalidSettingError


def opened(path: Path) -> tuple[sqlite3.Connection, Contents, int]:
    """The tables, with all that is whole in them; what that is; and the id of the next message.

    Raises:
        InvalidSettingError: it is of a newer version or no queue, or cannot be written.
    """
    if not may_be_ours(path):
        # SQLite itself would write over a file of a few bytes.
        raise InvalidSettingError(f"durable: {path} holds something else; give another path, or remove it")
    try:
        return _opened_whole(path)
    except DamagedFileError as error:
        kept = error.contents
        aside = set_aside(path, f"{error}; {len(kept.messages)} of its messages are whole and are taken over")
    try:
        return _taken_over(path, kept), kept, _next_id(kept)
    except (DamagedFileError, InvalidSettingError, sqlite3.Error) as error:
        put_back(path, aside)
        raise InvalidSettingError(
            f"durable: {path} is damaged, and there is no keeping what is whole in it ({error}): it stays as it was; "
            "make room on its disk"
        ) from error


def _taken_over(path: Path, kept: Contents) -> sqlite3.Connection:
    """A new file with what is whole in a damaged one; all of it, or it raises."""
    connection, _, _ = _opened_whole(path)
    try:
        with connection:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO streams VALUES (?,?,?,?,?)", map(stream_values, kept.streams))
        store(connection, kept.messages)
    except sqlite3.Error:
        close_quietly(connection)
        raise
    return connection


def _opened_whole(path: Path) -> tuple[sqlite3.Connection, Contents, int]:
    connection = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        left = _left_in_tail(path, prepare(connection, path))
        contents = _merged(connection, left)
        return connection, contents, max(_next_id(contents), left.next_id)
    except sqlite3.OperationalError as error:
        close_quietly(connection)
        raise InvalidSettingError(f"durable: {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        close_quietly(connection)
        raise DamagedFileError(str(error), Contents([], [])) from error
    except (DamagedFileError, InvalidSettingError):
        close_quietly(connection)
        raise


def _next_id(contents: Contents) -> int:
    """One that no process has used: a power cut may leave tables of an earlier moment beside a newer tail."""
    return max(time.time_ns() // 1_000, contents.messages[-1].id + 1 if contents.messages else 1)


def _left_in_tail(path: Path, version: int) -> TailContents:
    """What the tail holds; `fault` says what is wrong with one that should be there."""
    tail = tail_path(path)
    try:
        return read_tail(tail)
    except FileNotFoundError:
        return TailContents({}, 1, frozenset(), f"{tail.name} is missing" if version == WITH_TAIL else "")
    except NoTailError as error:
        if version == WITH_TAIL or error.may_be_ours:
            return TailContents({}, 1, frozenset(), str(error))
        raise InvalidSettingError(f"durable: {tail} holds something else; give another path, or remove it") from error
    except OSError as error:
        raise InvalidSettingError(f"durable: {tail} cannot be used: {error.strerror}") from error


def _merged(connection: sqlite3.Connection, left: TailContents) -> Contents:
    """What both hold, from now on in the tables; raises `DamagedFileError` if not all is whole."""
    try:
        stored = contents_of(connection)
    except DamagedFileError as error:
        kept = error.contents
        messages = in_order([*kept.messages, *(row for row in left.rows.values() if row.stream in _ids(kept))])
        raise DamagedFileError(str(error), kept._replace(messages=messages)) from error
    known = {row.id for row in stored.messages}
    # Those that were moved may still be in the tail too.
    moved = [row for row in left.rows.values() if row.id not in known]
    new = [row for row in moved if row.stream in _ids(stored)]
    merged = stored._replace(messages=sorted([*stored.messages, *new]))
    lost = len(left.missing - known) + len(moved) - len(new)
    fault = left.fault or (f"{lost} of its newest messages are not as they were written" if lost else "")
    if fault:
        raise DamagedFileError(fault, merged)
    store(connection, new)
    return merged


def _ids(contents: Contents) -> set[int]:
    return {row.id for row in contents.streams}


def new_tail(connection: sqlite3.Connection, path: Path, next_id: int) -> Tail | None:
    """An empty tail in the place of an old one; None where the disk has no room for it: then SQLite takes each."""
    try:
        # What it holds is in the tables now. If it stays, it must not be taken for new messages at the next start.
        empty_tail(tail_path(path), next_id)
        tail = Tail(tail_path(path), next_id)
        connection.execute(f"PRAGMA user_version={WITH_TAIL}")
    except (OSError, sqlite3.Error) as error:
        logging.getLogger("telemetry_client").warning("durable queue %s has no tail, which is slow: %s", path, error)
        return None
    return tail


def put_away(connection: sqlite3.Connection, tail: Tail) -> None:
    """Moves what is in the tail to the tables, and removes it; where the disk has no room it stays as it is."""
    try:
        store(connection, tail.held())
        tail.drop_all()
        connection.execute(f"PRAGMA user_version={WHOLE}")
    except sqlite3.Error:
        tail.close()
    else:
        tail.remove()
