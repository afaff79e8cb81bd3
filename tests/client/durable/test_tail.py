"""The tail of a durable queue: what is in it is there after a kill, and never believed where it is damaged."""

import resource
import shutil
import signal
import sqlite3
from pathlib import Path
from random import Random

import pytest

from telemetry_client import InvalidSettingError
from telemetry_client.durable.disk.database import WHOLE, WITH_TAIL
from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.disk.rows import MessageRow
from telemetry_client.durable.disk.tail import TAIL_BYTES, tail_path

MAX_BYTES = 64 * 1024 * 1024


def opened(path: Path) -> QueueFile:
    return QueueFile(path, max_bytes=MAX_BYTES)


def put(file: QueueFile, count: int, *, size_bytes: int = 200) -> list[MessageRow]:
    """Messages of a new stream."""
    stream = file.add_stream("bot", "run", "trade")
    return [file.put(stream.id, seq, 1, b"%d " % seq + b"x" * size_bytes) for seq in range(count)]


def killed(file: QueueFile, copy: Path) -> Path:
    """The path of the queue as a kill of its process leaves it now."""
    shutil.copytree(file._path.parent, copy)
    return copy / file._path.name


def found(path: Path) -> list[MessageRow]:
    file = opened(path)
    try:
        return file.found.messages
    finally:
        file.close()


def version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return number


@pytest.mark.parametrize(
    ("count", "size_bytes"), [(0, 1), (1, 1), (500, 200), (30_000, 200), (30, 400_000), (5, 900_000)]
)
def test_after_a_kill_all_that_was_put_is_there_in_order(tmp_path: Path, count: int, size_bytes: int) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, count, size_bytes=size_bytes)
    assert file.read(0, count + 1) == rows
    assert file.read(rows[count // 2].id if rows else 0, 3) == rows[count // 2 + 1 : count // 2 + 4]
    path = killed(file, tmp_path / "b")
    file.close()
    # The second time, and after a clean end, too.
    for each in (path, path, tmp_path / "a" / "queue"):
        assert found(each) == rows
        assert not tail_path(each).exists()
        assert version(each) == WHOLE


def test_what_left_is_not_there_after_a_kill_and_ids_go_on(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 24_000)
    for last in (100, 4_000, 23_990):
        file.drop_through(rows[last].id, 0)
        path = killed(file, tmp_path / f"{last}")
        second = opened(path)
        assert second.found.messages == rows[last + 1 :]
        assert second.last_id == rows[-1].id
        second.close()
    file.drop_through(rows[-1].id, 0)
    third = opened(killed(file, tmp_path / "last"))
    assert third.put(1, 6_000, 1, b"x").id > rows[-1].id
    third.close()
    file.close()


def test_while_ingest_acknowledges_sqlite_sees_no_message(tmp_path: Path) -> None:
    file = opened(tmp_path / "queue")
    stream = file.add_stream("bot", "run", "trade")
    for seq in range(20_000):
        row = file.put(stream.id, seq, 1, b"x" * 200)
        file.drop_through(row.id - 500, 264 if seq >= 500 else 0)
    assert file._stored == 0
    assert [row.seq for row in file.read(0, 1_000)] == list(range(19_500, 20_000))
    file.close()


def test_parked_messages_stay_when_the_others_leave(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    parked, other = (file.add_stream("bot", "run", kind).id for kind in ("quote", "trade"))
    rows = [file.put(stream, seq, 1, b"x") for seq in range(300) for stream in (parked, other)]
    file.drop_through(rows[401].id, 0, [parked])
    expected = rows[:402:2] + rows[402:]
    assert file.read(0, 1_000) == expected
    assert file.read(0, 1_000, [parked]) == [row for row in expected if row.stream == other]
    path = killed(file, tmp_path / "b")
    file.close()
    assert found(path) == found(tmp_path / "a" / "queue") == expected


def test_parked_messages_in_sqlite_are_not_looked_through_at_each_drop(tmp_path: Path) -> None:
    file = opened(tmp_path / "queue")
    parked, other = (file.add_stream("bot", "run", kind).id for kind in ("quote", "trade"))
    rows = [file.put(stream, seq, 1, b"x") for seq in range(3) for stream in (parked, other)]
    size = rows[0].size_bytes
    file.drop_through(rows[-1].id, 3 * size, [parked])
    statements: list[str] = []
    file._connection.set_trace_callback(statements.append)
    for seq in range(3, 100):
        row = file.put(other, seq, 1, b"x")
        file.drop_through(row.id, row.size_bytes, [parked])
    assert len(statements) <= 1
    file._connection.set_trace_callback(None)
    # What is parked later, and what is parked no more, is found and dropped all the same.
    late = [file.put(stream, 100, 1, b"x") for stream in (parked, other)]
    file.drop_through(late[1].id, late[1].size_bytes, [parked])
    assert file.read(0, 10) == [rows[0], rows[2], rows[4], late[0]]
    file.drop_through(rows[2].id, 2 * size)
    assert file.read(0, 10) == [rows[4], late[0]]
    file.drop_through(late[0].id, size + late[0].size_bytes)
    assert (file.read(0, 10), file.held_bytes) == ([], 0)
    file.close()
    assert found(tmp_path / "queue") == []


def test_a_kill_between_two_steps_of_a_move_gives_no_message_twice(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 300)
    path = killed(file, tmp_path / "b")
    file.close()
    tail = tail_path(path).read_bytes()
    for number in (WHOLE, WITH_TAIL):
        assert found(path) == rows
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version={number}")
        connection.close()
        tail_path(path).write_bytes(tail)
    assert found(path) == rows


def test_a_tail_that_is_missing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    put(file, 10)
    path = killed(file, tmp_path / "b")
    file.close()
    tail_path(path).unlink()
    assert found(path) == []
    assert "queue.tail is missing" in caplog.text


def test_damage_anywhere_in_a_tail_is_said_and_no_message_is_another_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 60)
    path = killed(file, tmp_path / "b")
    file.close()
    used = 64 + 60 * 240
    random = Random(7)  # noqa: S311 - not for secrets
    content = tail_path(path).read_bytes()
    for number in range(60):
        shutil.copytree(path.parent, tmp_path / f"{number}")
        damaged = bytearray(content)
        damaged[random.randrange(used)] ^= 1 << random.randrange(8)
        copy = tmp_path / f"{number}" / "queue"
        tail_path(copy).write_bytes(damaged)
        caplog.clear()
        left = found(copy)
        assert [row[1:] for row in left] == [row[1:] for row in rows if row[1:] in {each[1:] for each in left}]
        assert len(left) == len(rows) or "is damaged" in caplog.text


@pytest.mark.parametrize("length", [0, 7, 64, 5_000, TAIL_BYTES - 1])
def test_a_tail_that_was_cut_is_set_aside_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 20_000)
    path = killed(file, tmp_path / "b")
    file.close()
    content = tail_path(path).read_bytes()
    tail_path(path).write_bytes(content[:length])
    left = found(path)
    assert [row.seq for row in left] == [row.seq for row in rows[: len(left)]]
    assert 0 < len(left) < len(rows)
    assert "queue.tail is not as it was written" in caplog.text
    (aside,) = (
        each for each in path.parent.iterdir() if each.name.startswith("queue.damaged-") and "tail" in each.name
    )
    assert aside.read_bytes() == content[:length]


def test_a_file_of_something_else_in_the_tails_place_is_refused_and_left(tmp_path: Path) -> None:
    tail_path(tmp_path / "queue").write_text("my notes")
    for _ in range(2):
        with pytest.raises(InvalidSettingError, match=r"queue\.tail holds something else"):
            opened(tmp_path / "queue")
    assert tail_path(tmp_path / "queue").read_text() == "my notes"


def test_a_tail_that_found_no_room_leaves_none_of_it(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (TAIL_BYTES // 2, hard))
    try:
        file = opened(tmp_path / "queue")
        rows = put(file, 50)
        assert not list(tmp_path.glob("queue.tail*"))
        file.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert found(tmp_path / "queue") == rows


def test_without_room_for_a_tail_messages_go_to_sqlite_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a" / "queue.tail.new").mkdir(parents=True)
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 50)
    assert file.read(0, 100) == rows
    path = killed(file, tmp_path / "b")
    file.close()
    assert found(path) == rows
    assert "has no tail" in caplog.text


def test_an_old_tail_that_could_not_be_replaced_gives_nothing_back_once_its_messages_have_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").mkdir()
    file = opened(tmp_path / "a" / "queue")
    rows = put(file, 50)
    path = killed(file, tmp_path / "b")
    file.close()
    (tmp_path / "b" / "queue.tail.new").mkdir()
    file = opened(path)
    assert file.found.messages == rows
    file.drop_through(rows[39].id, sum(row.size_bytes for row in rows[:40]))
    file.close()
    assert found(path) == rows[40:]
    file = opened(path)
    file.drop_through(rows[-1].id, sum(row.size_bytes for row in rows[40:]))
    file.forget_streams([rows[0].stream])
    file.close()
    assert found(path) == []
    assert "damaged" not in caplog.text
