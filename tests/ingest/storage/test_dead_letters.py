"""Refused messages are kept, in bounded files."""

import base64
import json
import resource
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from ingest.checking.outcomes import Refusal
from ingest.storage.dead_letters import MAX_KEPT_BYTES, DeadLetterFile, DeadLetterThread
from tests.helpers.services import eventually


def _letters(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_letter_holds_reason_time_and_bytes(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path / "new", file_bytes=10_000, files=2)
    letters.write([Refusal("not_json", "line 1", b"\xff{")], now_ns=7)
    (letter,) = _letters(tmp_path / "new" / "dead-letters.jsonl")
    assert letter == {"at_ns": 7, "reason": "not_json", "detail": "line 1", "bytes": 2, "data": "/3s="}
    assert base64.b64decode(letter["data"]) == b"\xff{"


def test_of_a_huge_message_the_beginning_and_the_length_are_kept(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=1_000_000, files=2)
    letters.write([Refusal("too_large", "", bytes(2_000_000))], now_ns=7)
    (letter,) = _letters(tmp_path / "dead-letters.jsonl")
    assert letter["bytes"] == 2_000_000
    assert len(base64.b64decode(letter["data"])) == MAX_KEPT_BYTES


def test_a_flood_is_rotated_and_bounded_and_the_newest_are_kept(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=10_000, files=3)
    for number in range(1000):
        letters.write([Refusal("not_json", str(number), b"x" * 50)] * 3, now_ns=number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["dead-letters.jsonl", "dead-letters.jsonl.1", "dead-letters.jsonl.2"]
    assert all(path.stat().st_size <= 10_000 for path in tmp_path.iterdir())
    newest_first = [letter["at_ns"] for name in files for letter in reversed(_letters(tmp_path / name))]
    assert newest_first == sorted(newest_first, reverse=True)
    assert newest_first[0] == 999


def test_a_burst_longer_than_a_file_is_split_over_files(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=5_000, files=5)
    letters.write([Refusal("not_json", str(number), b"x" * 50) for number in range(100)], now_ns=1)
    kept = sum(len(_letters(path)) for path in tmp_path.iterdir())
    assert kept == 100
    assert all(path.stat().st_size <= 5_000 for path in tmp_path.iterdir())


def test_one_file_starts_anew_when_it_is_full(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=4_096, files=1)
    for number in range(200):
        letters.write([Refusal("not_json", "", b"x" * 50)], now_ns=number)
    assert [path.name for path in tmp_path.iterdir()] == ["dead-letters.jsonl"]
    assert _letters(tmp_path / "dead-letters.jsonl")[-1]["at_ns"] == 199


def test_it_goes_on_where_an_earlier_process_stopped(tmp_path: Path) -> None:
    for number in range(2):
        DeadLetterFile(tmp_path, file_bytes=10_000, files=2).write([Refusal("not_json", "", b"")], now_ns=number)
    assert [letter["at_ns"] for letter in _letters(tmp_path / "dead-letters.jsonl")] == [0, 1]


def test_a_disk_that_refuses_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=10_000, files=2)
    (tmp_path / "dead-letters.jsonl").mkdir()
    letters.write([Refusal("not_json", "", b"")] * 3, now_ns=1)
    assert letters.unkept_messages == 3


def test_a_single_file_that_somebody_removed_is_begun_again(tmp_path: Path) -> None:
    letters = DeadLetterFile(tmp_path, file_bytes=4_096, files=1)
    refusals = [Refusal("not_json", "", b"x" * 50)] * 10
    letters.write(refusals, now_ns=1)
    (tmp_path / "dead-letters.jsonl").unlink()
    for number in range(10):
        letters.write(refusals, now_ns=number)
    assert letters.unkept_messages == 0
    assert _letters(tmp_path / "dead-letters.jsonl")[-1]["at_ns"] == 9


def test_what_a_full_disk_took_of_a_line_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "dead-letters.jsonl"
    letters = DeadLetterFile(tmp_path, file_bytes=1_000_000, files=2)
    refusals = [Refusal("not_json", "", b"x" * 500)] * 3
    letters.write(refusals, now_ns=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))
    try:
        with capture_logs() as logs:
            letters.write(refusals, now_ns=2)
            letters.write(refusals, now_ns=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    letters.write(refusals, now_ns=3)
    assert [letter["at_ns"] for letter in _letters(path)] == [1, 1, 1, 3, 3, 3]
    assert letters.unkept_messages == 6
    assert [line["event"] for line in logs] == ["dead_letters_unwritable"]


class StandingDisk:
    """A disk that takes nothing until it is released."""

    def __init__(self) -> None:
        self.released, self.asked = threading.Event(), threading.Event()
        self.kept: list[tuple[str, int]] = []
        self.unkept_messages = 0

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        self.asked.set()
        self.released.wait(10)
        self.kept += [(refusal.detail, now_ns) for refusal in refusals]


def test_a_thread_writes_all_in_order_before_it_ends(tmp_path: Path) -> None:
    with DeadLetterThread(DeadLetterFile(tmp_path, file_bytes=1_000_000, files=2)) as letters:
        for number in range(100):
            letters.write([Refusal("not_json", str(number), b"x")] * 2, now_ns=number)
        letters.write([], now_ns=100)
    kept = _letters(tmp_path / "dead-letters.jsonl")
    assert [letter["at_ns"] for letter in kept] == [number for number in range(100) for _ in range(2)]
    assert letters.unkept_messages == 0


def test_while_the_disk_stands_nobody_waits_and_what_is_too_much_is_counted_and_logged_once() -> None:
    disk = StandingDisk()
    with capture_logs() as logs, DeadLetterThread(disk, max_waiting_bytes=100_000) as letters:
        letters.write([Refusal("not_json", "first", b"")], now_ns=0)
        assert disk.asked.wait(10)
        for number in range(1, 11):
            letters.write([Refusal("not_json", str(number), bytes(9_000))] * 2, now_ns=number)
        assert letters.unkept_messages == 20 - 9
        disk.released.set()
    assert [line["event"] for line in logs] == ["dead_letters_disk_too_slow"]
    assert [detail for detail, _ in disk.kept] == ["first", "1", "1", "2", "2", "3", "3", "4", "4", "5"]


def test_once_the_disk_goes_on_there_is_room_again() -> None:
    disk = StandingDisk()
    one = [Refusal("not_json", "", bytes(9_000))]
    with DeadLetterThread(disk, max_waiting_bytes=10_100) as letters:
        letters.write(one, now_ns=0)
        letters.write(one, now_ns=1)
        assert letters.unkept_messages == 1
        disk.released.set()
        deadline_s = time.monotonic() + 10
        while len(disk.kept) < 2 and time.monotonic() < deadline_s:
            letters.write(one, now_ns=2)
    assert len(disk.kept) >= 2


class BrokenFile:
    """A file that fails otherwise than a disk does, for some of the letters."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.unkept_messages = 0

    def write(self, refusals: Sequence[Refusal], now_ns: int) -> None:
        if now_ns < 3:
            raise ValueError("not a disk's error")
        self.kept += [refusal.detail for refusal in refusals]


def test_a_letter_that_cannot_be_made_costs_itself_and_not_those_that_follow() -> None:
    file = BrokenFile()
    with capture_logs() as logs, DeadLetterThread(file, max_waiting_bytes=2_100) as letters:
        for number in range(6):
            letters.write([Refusal("not_json", str(number), b"")], now_ns=number)
            eventually(lambda: letters._room_bytes == 2_100, what="room for the next one")
    assert file.kept == ["3", "4", "5"]
    assert letters.unkept_messages == 3
    assert [(line["event"], line["error"]) for line in logs] == [("dead_letters_failed", "not a disk's error")]


def test_a_disk_that_stands_for_ever_does_not_keep_the_process_from_ending() -> None:
    disk = StandingDisk()
    with DeadLetterThread(disk) as letters:
        letters.write([Refusal("not_json", "", b"")], now_ns=0)
        assert disk.asked.wait(10)
    assert disk.kept == []
    disk.released.set()
