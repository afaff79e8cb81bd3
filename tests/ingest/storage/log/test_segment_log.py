"""The log on disk after crashes, power cuts and damage."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.storage.log.segment import MAGIC
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime import StartupError
from tests.ingest.storage.log.conftest import OpenLog
from tests.ingest.storage.log.test_batch_log import append, contents, read_all


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "log"


def _segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.segment"))


def test_the_next_process_finds_batches_and_state_and_goes_on_with_the_numbers(open_log: OpenLog) -> None:
    append(open_log(), 3, a=b"1")
    log = open_log()
    assert (log.stream, log.next_seq, log.state()) == ("s", 3, {"a": b"1"})
    append(log, 2)
    assert read_all(open_log()) == contents((0, 3), (3, 2))


def test_every_process_begins_an_epoch_of_a_higher_number_whatever_its_clock_says(open_log: OpenLog) -> None:
    first = open_log(now_ns=1_000)
    append(first, 3)
    second, third = open_log(now_ns=1_000), open_log(now_ns=5)
    assert first.epoch.number < second.epoch.number < third.epoch.number
    assert [log.epoch.first_seq for log in (first, second, third)] == [0, 3, 3]


def test_many_starts_without_trades_leave_one_segment(open_log: OpenLog, directory: Path) -> None:
    append(open_log(), 1, a=b"1")
    for _ in range(20):
        log = open_log()
        append(log, b=b"2")
    assert len(_segments(directory)) == 2
    assert open_log().state() == {"a": b"1", "b": b"2"}


def test_state_that_changes_without_trades_takes_up_no_more_and_more(open_log: OpenLog, directory: Path) -> None:
    log = open_log()
    append(log, 1)
    for turn in range(2_000):
        append(log, a=b"%d" % turn)
    assert len(_segments(directory)) <= 2
    assert log.held_bytes < 10_000
    assert open_log().state() == {"a": b"1999"}


def test_after_a_clean_stop_nothing_is_missing(open_log: OpenLog) -> None:
    log = open_log()
    append(log, 7)
    log.close()
    log.close()
    assert open_log().next_seq == 7


def test_cut_at_any_byte_the_log_holds_the_transactions_before_it_and_says_so(
    open_log: OpenLog, directory: Path
) -> None:
    log = open_log(segment_bytes=1 << 20)
    ends = [log.held_bytes]
    for turn in range(4):
        append(log, 2, turn=b"%d" % turn)
        ends.append(log.held_bytes)
    (path,) = _segments(directory)
    whole = path.read_bytes()
    edges = {end + step for end in ends for step in (-1, 0, 1)}
    for size in sorted({*range(ends[0], len(whole), 11), *edges} & {*range(ends[0], len(whole) + 1)}):
        for each in _segments(directory):
            each.unlink()
        path.write_bytes(whole[:size])
        kept = sum(size >= end for end in ends[1:])
        with capture_logs() as logs:
            again = open_log(segment_bytes=1 << 20)
        assert (again.next_seq, again.state().get("turn")) == (2 * kept, b"%d" % (kept - 1) if kept else None)
        cut = [line for line in logs if line["event"] == "log_cut"]
        assert [line["dropped_bytes"] for line in cut] == ([] if size in ends else [size - ends[kept]])
        append(again, 1)
        assert read_all(again) == contents(*((2 * i, 2) for i in range(kept)), (2 * kept, 1))
        again.close()


def test_a_flipped_bit_anywhere_costs_what_follows_in_its_segment_and_is_never_taken_for_a_trade(
    open_log: OpenLog, directory: Path
) -> None:
    log = open_log(segment_bytes=1 << 20)
    for _ in range(4):
        append(log, 2)
    (path,) = _segments(directory)
    whole = path.read_bytes()
    good = read_all(log)
    version_byte = len(MAGIC) - 2
    for byte in sorted({*range(0, len(whole), 13)} - {version_byte}):
        for each in directory.iterdir():
            each.unlink()
        damaged = bytearray(whole)
        damaged[byte] ^= 1 << (byte % 8)
        path.write_bytes(damaged)
        with capture_logs() as logs:
            again = open_log(segment_bytes=1 << 20)
        found = read_all(again)
        assert found == good[: len(found)]
        assert len(found) < len(good)
        (error,) = [line["event"] for line in logs if line["log_level"] == "error"]
        assert error in {"log_cut", "log_segment_unreadable"}
        again.close()


def test_damage_in_an_older_segment_costs_the_rest_of_it_and_says_how_many_trades(
    open_log: OpenLog, directory: Path
) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(60):
        append(log, 1)
    first, second, *_ = _segments(directory)
    lost = int(second.stem) - 2
    damaged = bytearray(first.read_bytes())
    place = damaged.index(b'{"header": 2}')
    damaged[place] ^= 1
    first.write_bytes(damaged)
    with capture_logs() as logs:
        found = read_all(open_log(segment_bytes=1_000))
    assert found == contents((0, 1), (1, 1), *((seq, 1) for seq in range(2 + lost, 60)))
    assert [(line["event"], line["lost_trades"]) for line in logs] == [("log_segment_damaged", lost)]


def test_a_segment_whose_head_is_gone_is_put_aside_and_the_one_before_it_goes_on(
    open_log: OpenLog, directory: Path
) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(30):
        append(log, 1)
    *_, last = _segments(directory)
    last.write_bytes(b"")
    with capture_logs() as logs:
        again = open_log(segment_bytes=1_000)
    assert again.next_seq == int(last.stem)
    assert [line["event"] for line in logs] == ["log_segment_unreadable"]
    assert list(directory.glob("*.unreadable"))


def _of_another_log(directory: Path, batches: int) -> list[Path]:
    """The segments of another service's log, as long as ours."""
    other = SegmentLog(directory, new_stream="other", now_ns=1, max_bytes=1 << 30, segment_bytes=1_000)
    for _ in range(batches):
        append(other, 1)
    other.close()
    return _segments(directory)


def test_a_segment_of_another_log_among_the_older_ones_is_never_taken_for_our_trades(
    open_log: OpenLog, directory: Path, tmp_path: Path
) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(60):
        append(log, 1)
    _, second, third, *_ = _segments(directory)
    second.write_bytes(_of_another_log(tmp_path / "other", 60)[1].read_bytes())
    with capture_logs() as logs:
        found = read_all(open_log(segment_bytes=1_000))
    gone = range(int(second.stem), int(third.stem))
    assert found == contents(*((seq, 1) for seq in range(60) if seq not in gone))
    assert [(line["event"], line["lost_trades"]) for line in logs] == [("log_segment_damaged", len(gone))]


def test_a_copy_of_an_older_segment_under_the_name_of_a_later_one_is_damage(open_log: OpenLog, directory: Path) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(60):
        append(log, 1)
    first, second, *_ = _segments(directory)
    first.write_bytes(second.read_bytes())
    with capture_logs() as logs:
        found = read_all(open_log(segment_bytes=1_000))
    assert found == contents(*((seq, 1) for seq in range(int(second.stem), 60)))
    assert [(line["event"], line["lost_trades"]) for line in logs] == [("log_segment_damaged", int(second.stem))]


def test_a_newest_segment_of_another_log_is_refused_and_its_state_is_not_ours(
    open_log: OpenLog, directory: Path, tmp_path: Path
) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(30):
        append(log, 1)
    last = _of_another_log(tmp_path / "other", 90)[-1]
    (directory / last.name).write_bytes(last.read_bytes())
    with pytest.raises(StartupError, match=rf"{last.name}: is of another log"):
        open_log(segment_bytes=1_000)
    (directory / last.name).unlink()
    assert read_all(open_log(segment_bytes=1_000)) == contents(*((seq, 1) for seq in range(30)))


def test_what_cannot_be_removed_stays_and_is_still_held(
    open_log: OpenLog, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(segment_bytes=1_000)
    for _ in range(30):
        append(log, 1)
    log.sync()
    before = log.held_bytes, _segments(directory)
    monkeypatch.setattr(Path, "unlink", _refuse)
    with pytest.raises(PermissionError):
        log.trim(log.next_seq)
    assert (log.held_bytes, _segments(directory), log.first_seq) == (*before, 0)
    monkeypatch.undo()
    log.trim(log.next_seq)
    assert len(_segments(directory)) == 1


def _refuse(path: Path, *, missing_ok: bool) -> None:
    raise PermissionError(errno.EACCES, "permission denied", str(path), missing_ok)


def test_a_log_of_another_version_is_refused_in_one_line(open_log: OpenLog, directory: Path) -> None:
    append(open_log(), 1)
    (path,) = _segments(directory)
    content = path.read_bytes()
    path.write_bytes(content.replace(MAGIC, MAGIC.replace(b"1", b"2"), 1))
    with pytest.raises(StartupError, match="another version") as refused:
        open_log()
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    path.write_bytes(content)
    assert open_log().next_seq == 1


@contextmanager
def _disk_with_room_for(size: int) -> Iterator[None]:
    """Files may not grow beyond that many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_takes_a_transaction_whole_or_not_at_all_and_it_can_be_tried_again(open_log: OpenLog) -> None:
    log = open_log(segment_bytes=1 << 20)
    append(log, 5)
    with _disk_with_room_for(log.held_bytes + 300), pytest.raises(OSError) as failed:  # noqa: PT011 - its number follows
        append(log, 20)
    assert failed.value.errno in {errno.ENOSPC, errno.EFBIG}
    assert read_all(log) == contents((0, 5))
    append(log, 1)
    append(log, 20)
    assert read_all(open_log()) == contents((0, 5), (5, 1), (6, 20))


def test_a_disk_that_cannot_take_the_next_segment_is_tried_again(open_log: OpenLog, directory: Path) -> None:
    log = open_log(segment_bytes=1_000)
    while log.next_seq < 8:
        append(log, 1)
    with _disk_with_room_for(10), pytest.raises(OSError):  # noqa: PT011 - either error will do
        append(log, 10)
    assert list(directory.glob("*.part")) == []
    append(log, 10)
    assert read_all(open_log()) == contents(*((seq, 1) for seq in range(8)), (8, 10))


def _log_of_small_segments(directory: Path) -> tuple[SegmentLog, list[str]]:
    """A log of many segments, and the names of those that it has synced so far, in their order."""
    synced: list[str] = []

    def noting(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        os.fdatasync(fd)

    log = SegmentLog(directory, new_stream="s", now_ns=1, max_bytes=1 << 30, segment_bytes=1_000, fdatasync=noting)
    return log, synced


def test_sync_says_up_to_where_and_covers_the_segments_that_were_closed_since(directory: Path) -> None:
    log, synced = _log_of_small_segments(directory)
    synced.clear()
    for _ in range(24):
        append(log, 1)
    assert log.sync() == 24
    assert synced == [path.name for path in _segments(directory)]
    assert len(synced) > 1
    del synced[:-1]
    assert log.sync() == 24
    assert len(synced) == 2
    assert synced[0] == synced[1]
    log.close()


def test_sync_of_the_head_leaves_complete_segments_to_the_next_sync_and_lets_trim(directory: Path) -> None:
    log, synced = _log_of_small_segments(directory)
    synced.clear()
    for _ in range(24):
        append(log, 1)
    names = [path.name for path in _segments(directory)]
    assert len(names) > 2
    log.sync_head()
    assert synced == names[-1:]
    assert not log.is_sync_due
    log.trim(12)
    kept = [path.name for path in _segments(directory)]
    assert len(kept) < len(names)
    synced.clear()
    assert log.sync() == 24
    assert synced == kept, "each segment once, the active one too"
    synced.clear()
    log.sync()
    assert synced == kept[-1:]
    log.sync_head()
    synced.clear()
    log.sync()
    assert synced == kept[-1:], "nothing was closed since"
    log.close()


def test_a_segment_that_is_complete_after_a_sync_of_the_head_is_synced_once(directory: Path) -> None:
    log, synced = _log_of_small_segments(directory)
    for _ in range(24):
        append(log, 1)
    log.sync_head()
    for _ in range(24):
        append(log, 1)
    log.sync_head()
    for _ in range(24):
        append(log, 1)
    synced.clear()
    log.sync()
    assert synced == [path.name for path in _segments(directory)]
    log.close()


def test_what_a_power_cut_takes_of_complete_segments_is_missing_and_the_state_behind_them_is_not(
    directory: Path,
) -> None:
    log = SegmentLog(directory, new_stream="s", now_ns=1, max_bytes=1 << 30, segment_bytes=1_000)
    for seq in range(24):
        append(log, 1, seq=b"%d" % (seq + 1))
    log.sync_head()
    whole = _segments(directory)
    for path in whole[:-1]:
        path.write_bytes(b"")
    again = SegmentLog(directory, new_stream="other", now_ns=2, max_bytes=1 << 30)
    assert (again.stream, again.next_seq, again.state()["seq"]) == ("s", 24, b"24")
    assert again.read(0, max_bytes=1 << 20)[0].first_seq == int(whole[-1].stem)
    again.close()
    log.close()
