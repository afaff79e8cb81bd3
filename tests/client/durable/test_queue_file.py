"""The file of a durable queue: bounded, one process' own, and never believed where it is damaged."""

import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from telemetry_client import InvalidSettingError
from telemetry_client.durable.disk.damage import KEPT_FILES
from telemetry_client.durable.disk.database import APPLICATION_ID, VERSION
from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.disk.rows import ROW_BYTES, MessageRow

MAX_BYTES = 1024 * 1024


def filled(path: Path, messages: int) -> list[MessageRow]:
    """The rows of a file that was closed."""
    file = QueueFile(path, max_bytes=MAX_BYTES)
    stream = file.add_stream("bot", "run", "trade")
    rows = [file.put(stream.id, seq, 1, b"frame %d " % seq * 20) for seq in range(messages)]
    file.close()
    return rows


def found(path: Path) -> list[MessageRow]:
    file = QueueFile(path, max_bytes=MAX_BYTES)
    try:
        return file.found.messages
    finally:
        file.close()


def test_what_was_put_is_found_in_order_by_the_next_one(tmp_path: Path) -> None:
    rows = filled(tmp_path / "queue", 500)
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    assert file.found.messages == rows
    assert [stream[1:] for stream in file.found.streams] == [("bot", "run", "trade")]
    assert file.held_bytes == sum(len(row.frame) + ROW_BYTES for row in rows)
    assert file.read(rows[99].id, 10) == rows[100:110]
    assert file.last_id == rows[-1].id
    file.close()


def test_what_was_dropped_is_gone_and_its_place_is_free(tmp_path: Path) -> None:
    rows = filled(tmp_path / "queue", 10)
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    file.drop_through(rows[6].id, sum(row.size_bytes for row in rows[:7]))
    assert file.held_bytes == sum(row.size_bytes for row in rows[7:])
    assert file.put(rows[0].stream, 10, 1, b"next").id > rows[-1].id
    file.close()
    assert [row.seq for row in found(tmp_path / "queue")] == [7, 8, 9, 10]


def test_it_is_bounded_on_disk_however_much_goes_through(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    stream = file.add_stream("bot", "run", "trade")
    for seq in range(60_000):
        row = file.put(stream.id, seq, 1, b"x" * 200)
        file.drop_through(row.id - 100, 264 if seq >= 100 else 0)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < 6 * MAX_BYTES
    file.close()


def test_a_full_disk_is_an_error_and_what_was_there_stays(tmp_path: Path) -> None:
    rows = filled(tmp_path / "queue", 10)
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    file._connection.execute("PRAGMA max_page_count=5")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        for seq in range(10, 12_000):
            file.put(1, seq, 1, b"x" * 500)
    file.close()
    assert found(tmp_path / "queue")[:10] == rows


def test_what_cannot_be_dropped_takes_its_room_until_it_can(tmp_path: Path) -> None:
    rows = filled(tmp_path / "queue", 10)
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    before = file.held_bytes
    file._connection.execute("PRAGMA query_only=1")
    file.drop_through(rows[4].id, sum(row.size_bytes for row in rows[:5]))
    assert file.held_bytes == before
    file._connection.execute("PRAGMA query_only=0")
    file.drop_through(rows[5].id, rows[5].size_bytes)
    assert file.held_bytes == sum(row.size_bytes for row in rows[6:])
    file.close()
    assert found(tmp_path / "queue") == rows[6:]


def test_parked_streams_are_passed_and_kept(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
    parked, other = (file.add_stream("bot", "run", kind).id for kind in ("quote", "trade"))
    rows = [file.put(stream, seq, 1, b"x") for seq in range(3) for stream in (parked, other)]
    assert file.read(0, 10, [parked]) == rows[1::2]
    file.drop_through(rows[3].id, 2 * rows[1].size_bytes, [parked])
    assert file.read(0, 10) == [rows[0], rows[2], rows[4], rows[5]]
    file.close()


def test_cut_anywhere_only_whole_messages_are_found(tmp_path: Path) -> None:
    rows = filled(tmp_path / "whole", 200)
    content = (tmp_path / "whole").read_bytes()
    for length in [*range(0, len(content), 1021), len(content) - 1]:
        path = tmp_path / f"cut-{length}"
        path.write_bytes(content[:length])
        assert {row[1:] for row in found(path)} <= {row[1:] for row in rows}


def test_with_a_flipped_bit_anywhere_no_message_is_another_one(tmp_path: Path) -> None:
    rows = filled(tmp_path / "whole", 60)
    content = (tmp_path / "whole").read_bytes()
    random = Random(7)  # noqa: S311 - not for secrets
    refused = 0
    for number in range(150):
        damaged = bytearray(content)
        damaged[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path = tmp_path / f"{number}"
        path.write_bytes(damaged)
        try:
            assert {row[1:] for row in found(path)} <= {row[1:] for row in rows}
        except InvalidSettingError:  # its mark or version is what was hit
            refused += 1
        shutil.rmtree(path, ignore_errors=True)
    assert refused < 10


def test_a_damaged_file_stays_where_there_is_no_room_for_what_is_whole_in_it(tmp_path: Path) -> None:
    rows = filled(tmp_path / "queue", 1_000)
    content = bytearray((tmp_path / "queue").read_bytes())
    content[content.rindex(b"frame 500 ")] ^= 1
    (tmp_path / "queue").write_bytes(content)
    for _ in range(2):
        with files_of_at_most(64 * 1024), pytest.raises(InvalidSettingError, match="make room on its disk"):
            QueueFile(tmp_path / "queue", max_bytes=MAX_BYTES)
        assert not [path for path in tmp_path.iterdir() if ".damaged-" in path.name]
    assert [row.seq for row in found(tmp_path / "queue")] == [row.seq for row in rows if row.seq != 500]


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """No file can grow beyond that size meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("begin", [b"SQLite format 3\0", b"\0" * 68 + b"TTDQ", b"\0" * 100])
def test_a_file_of_ours_that_cannot_be_read_is_set_aside_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, begin: bytes
) -> None:
    (tmp_path / "queue").write_bytes(begin + b"x" * 9_000)
    assert found(tmp_path / "queue") == []
    (aside,) = (path for path in tmp_path.iterdir() if ".damaged-" in path.name)
    assert aside.read_bytes().startswith(begin)
    assert f"set aside as {aside}" in caplog.text


@pytest.mark.parametrize("text", ["my notes\n" * 1_000, "x"])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.csv").write_text(text)
    for _ in range(2):
        with pytest.raises(InvalidSettingError, match="holds something else"):
            found(tmp_path / "notes.csv")
    assert (tmp_path / "notes.csv").read_text() == text


def test_a_directory_and_a_path_that_is_not_there_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "directory", tmp_path / "missing" / "queue"):
        with pytest.raises(InvalidSettingError, match=f"{path} cannot be used"):
            found(path)


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT_FILES + 2):
        (tmp_path / "queue").write_bytes(b"SQLite format 3\0" + f"{number}".encode() * 1_000)
        found(tmp_path / "queue")
    kept = sorted(chr(path.read_bytes()[16]) for path in tmp_path.iterdir() if ".damaged-" in path.name)
    assert kept == [str(number) for number in range(2, KEPT_FILES + 2)]


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "queue", 3)
    with sqlite3.connect(tmp_path / "queue") as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = (tmp_path / "queue").read_bytes()
    for _ in range(2):
        with pytest.raises(InvalidSettingError, match="newer version"):
            found(tmp_path / "queue")
    assert (tmp_path / "queue").read_bytes() == before


def test_a_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "queue") as connection:
        connection.execute("CREATE TABLE messages (text)")
    connection.close()
    before = (tmp_path / "queue").read_bytes()
    with pytest.raises(InvalidSettingError, match="something else"):
        found(tmp_path / "queue")
    assert (tmp_path / "queue").read_bytes() == before


def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    filled(tmp_path / "queue", 1)
    with sqlite3.connect(tmp_path / "queue") as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    connection.close()
