"""A power cut of a bot's machine: any pages are there of a mapped tail, which nobody syncs, and of the tables."""

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from telemetry_client.durable.disk.queue_file import QueueFile

PAGE_BYTES: Final = 4096
PROCESSES: Final = 4


class _Moment(NamedTuple):
    """A file at one time: which it is, how long, and the pages that are not empty."""

    inode: int
    size: int
    pages: dict[int, bytes]


def _moment(path: Path) -> _Moment:
    content = path.read_bytes()
    pages = {at: content[at : at + PAGE_BYTES] for at in range(0, len(content), PAGE_BYTES)}
    return _Moment(path.stat().st_ino, len(content), {at: page for at, page in pages.items() if page.strip(b"\0")})


def _moments(directory: Path) -> dict[str, _Moment]:
    return {path.name: _moment(path) for path in directory.iterdir() if path.suffix != ".lock"}


def _frame(run: str, kind: str, seq: int) -> bytes:
    return f"{run} {kind} {seq} ".encode() * (1 + seq % 40)


def _open(path: Path) -> QueueFile:
    return QueueFile(path, max_bytes=1 << 26)


class _Bot:
    """Some processes of a bot one after the other, each with a run of its own; `disk` is all that was ever there."""

    def __init__(self, directory: Path, random: Random) -> None:
        self._directory, self._random = directory / "0", random
        self._directory.mkdir()
        self.disk: list[dict[str, _Moment]] = []

    def run(self) -> list[dict[str, _Moment]]:
        for number in range(PROCESSES):
            self._run(f"run {number}")
        return self.disk

    def _note(self) -> None:
        self.disk.append(_moments(self._directory))

    def _run(self, run: str) -> None:
        file, random = _open(self._directory / "queue"), self._random
        ids, seqs = dict[str, int](), Counter[str]()
        self._note()
        for _ in range(6):
            for kind in random.choices(("trade", "trade", "order"), k=random.randint(1, 300)):
                if kind not in ids:
                    ids[kind] = file.add_stream("bot", run, kind).id
                file.put(ids[kind], seqs[kind], 1, _frame(run, kind, seqs[kind]))
                seqs[kind] += 1
            self._note()
            file.drop_through(file.last_id - random.randint(0, 200), 0)
            self._note()
        if random.random() < 0.5:
            self._stop(file, list(ids.values()))
        else:
            self._kill(file)

    def _stop(self, file: QueueFile, ids: list[int]) -> None:
        """All is acknowledged."""
        file.drop_through(file.last_id, 0)
        file.forget_streams(ids)
        file.close()
        self._note()

    def _kill(self, file: QueueFile) -> None:
        copy = self._directory.with_name(f"{int(self._directory.name) + 1}")
        shutil.copytree(self._directory, copy)
        file.close()
        self._directory = copy


def _cut(disk: list[dict[str, _Moment]], random: Random, directory: Path) -> Path:
    """What is there after a cut at any moment: names of a while ago, and of each file pages of any moments."""
    now = random.randrange(len(disk))
    names = random.choice((now, random.randint(max(0, now - 6), now)))
    newest_ratio = random.choice((0.0, 0.5, 0.9, 1.0))
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, (inode, *_) in disk[names].items():
        known = [each[name] for each in disk[: now + 1] if name in each and each[name].inode == inode]
        (directory / name).write_bytes(_content(known, random, newest_ratio))
    return directory / "queue"


def _content(known: list[_Moment], random: Random, newest_ratio: float) -> bytes:
    newest, empty = known[-1], bytes(PAGE_BYTES)
    size = random.choice((newest.size, newest.size, newest.size, known[0].size, 0))
    content = bytearray(size)
    for at in set().union(*(each.pages for each in known)):
        choice = newest if random.random() < newest_ratio else random.choice(known)
        page = choice.pages.get(at, empty) if random.random() < max(newest_ratio, 0.7) else empty
        content[at : at + PAGE_BYTES] = page[: max(0, size - at)]
    return bytes(content[:size])


@pytest.mark.parametrize("seed", range(4))
def test_after_a_cut_the_bot_starts_and_no_message_is_another_one(tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - not for secrets
    disk = _Bot(tmp_path, random).run()
    whole = 0
    for _ in range(40):
        path = _cut(disk, random, tmp_path / "cut")
        file = _open(path)
        whole += _check_messages(file)
        # It is a queue like any other: it takes a message, which is there the next time.
        file.put(file.add_stream("bot", "next run", "trade").id, 0, 1, b"next")
        file.close()
        again = _open(path)
        assert again.found.messages[-1].frame == b"next"
        again.close()
    assert whole > 100  # else nothing was tried


def _check_messages(file: QueueFile) -> int:
    """That each is what its stream's run has sent under its number, in order; how many there are."""
    streams = {row.id: row for row in file.found.streams}
    last = dict.fromkeys(streams, -1)
    for row in file.found.messages:
        stream = streams[row.stream]
        assert row.frame == _frame(stream.run, stream.kind, row.seq)
        assert row.seq > last[row.stream]
        last[row.stream] = row.seq
    return len(file.found.messages)


def test_a_newer_tail_beside_older_tables_gives_no_message_to_another_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "now").mkdir()
    for run in ("run 0", "run 1"):
        file = _open(tmp_path / "now" / "queue")
        stream = file.add_stream("bot", run, "trade")
        for seq in range(9):
            file.put(stream.id, seq, 1, _frame(run, "trade", seq))
        shutil.copytree(tmp_path / "now", tmp_path / run)
        file.drop_through(file.last_id, 0)
        file.forget_streams([stream.id])
        file.close()
    shutil.copy(tmp_path / "run 1" / "queue.tail", tmp_path / "run 0")
    file = _open(tmp_path / "run 0" / "queue")
    _check_messages(file)
    file.close()
    assert "9 of its newest messages are not as they were written" in caplog.text


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(4 * 1024 * 1024)], ids=["empty", "short", "zeros"])
def test_a_new_queue_whose_tail_has_not_reached_the_disk_is_set_aside_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "queue"
    path.write_bytes(b"")
    (tmp_path / "queue.tail").write_bytes(content)
    _open(path).close()
    assert "queue.tail is not as it was written" in caplog.text
