"""A power cut at each moment of what is written to one kind of file, whatever of it has reached the disk by then."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from analytics.checkpoint.parts import State
from analytics.checkpoint.store import CheckpointStore
from ingest.storage.log.segment_log import SegmentLog
from ingest.storage.rotated_file import RotatedFile
from telemetry_client.durable.disk.queue_file import QueueFile
from tests.faults.cut_programs import CHECKPOINT_PARTS, DIARY, audit_line, log_batch, queue_frame
from tests.faults.power_cut import PowerSupply, RecordedDisk, built_recorder, write_image
from tests.faults.test_durable_faults import SEED

KEPT_RATIOS = (0.0, 0.5, 0.9, 1.0)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_recorder(tmp_path_factory.mktemp("recorder"))


def cuts(program: str, root: Path, recorder: Path, *, one_in: int) -> Iterator[dict[str, int]]:
    """Runs a program, and puts each image in the place of its files; gives the last number of each of its notes.

    The cuts are after each name that changes, and after one in so many of the other calls.
    """
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    root.mkdir()
    supply, disk = PowerSupply(root, recorder), RecordedDisk(root)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **supply.environment}
    subprocess.run([sys.executable, "-m", "tests.faults.cut_programs", program, root], env=environment, check=True)
    diary, diary_inode = "", 0
    for record in supply.records():
        disk.apply(record)
        if record.op == "C" and record.path == str(root / DIARY):
            diary_inode = record.inode
        elif record.op == "W" and record.inode == diary_inode:
            diary += record.data.decode()
        if record.op in "RU" or random.randrange(one_in) == 0:
            notes = dict(line.rsplit(" ", 1) for line in diary.splitlines())
            for kept_ratio in KEPT_RATIOS:
                write_image(root, disk.image(random, kept_ratio))
                yield {name: int(number) for name, number in notes.items()}


def opened_log(root: Path) -> SegmentLog:
    return SegmentLog(
        root / "log", new_stream="another", now_ns=9, max_bytes=1 << 20, segment_bytes=9_000, fdatasync=lambda _: None
    )


def test_a_log_has_all_that_was_synced_and_nothing_that_was_not_written(tmp_path: Path, recorder: Path) -> None:
    tried = 0
    for notes in cuts("log", tmp_path / "disk", recorder, one_in=6):
        log = opened_log(tmp_path / "disk")
        synced, trimmed = notes.get("synced", 0), notes.get("trimmed", 0)
        assert synced <= log.next_seq <= notes.get("appended", 0) + 10
        if synced or trimmed:
            assert log.stream == "first"
        assert log.state().get("seq") == (b"%d" % log.next_seq if log.next_seq else None)
        seq = max(trimmed, log.first_seq)
        found = set()
        while batches := log.read(seq, max_bytes=1 << 20):
            assert all(each == log_batch(each.first_seq, each.trades) for each in batches)
            found |= {each.first_seq for each in batches}
            seq = batches[-1].end_seq
        expected = {seq + step for seq in range(0, synced, 10) for step in (0, 7)}
        assert {seq for seq in expected if seq >= max(trimmed, log.first_seq)} <= found
        assert log.first_seq <= max(trimmed, 0)
        log.close()
        tried += 1
    assert tried > 100


def test_the_newest_checkpoint_that_was_saved_or_one_before_it_is_whole(tmp_path: Path, recorder: Path) -> None:
    tried = 0
    for notes in cuts("checkpoints", tmp_path / "disk", recorder, one_in=20):
        found = _newest_number(tmp_path / "disk" / "checkpoints")
        assert found >= notes.get("saved", 0)
        tried += 1
    assert tried > 100


def _newest_number(directory: Path) -> int:
    found = [0]
    CheckpointStore(directory).load(lambda state: found.append(_number(state)))
    return found[-1]


def _number(state: State) -> int:
    """Of a checkpoint, each part of which is the one that it was saved with."""
    number: int = state["number"]
    for i in range(CHECKPOINT_PARTS):
        assert set(state["parts"][f"p{i}"].copy()["array"]) == {number // (i + 1)}
    return number


def test_a_synced_audit_has_each_line_whole_and_goes_on_with_whole_lines(tmp_path: Path, recorder: Path) -> None:
    tried = 0
    for notes in cuts("audit", tmp_path / "disk", recorder, one_in=6):
        path = tmp_path / "disk" / "audit"
        file = RotatedFile(path, file_bytes=3_000, files=4, event="unwritable", sync=True)
        file.write([b"next\n"])
        lines = [line + b"\n" for each in path.parent.glob("audit*") for line in each.read_bytes().split(b"\n")]
        written = notes.get("written", -1)
        # Some 15 lines fit into a file: of four files at least two are complete.
        missing = {audit_line(number) for number in range(max(0, written - 30), written + 1)} - set(lines)
        assert missing == set()
        assert b"next\n" in lines
        tried += 1
    assert tried > 100


def test_a_queue_after_a_cut_holds_no_message_that_is_another_one(tmp_path: Path, recorder: Path) -> None:
    tried = whole = 0
    for notes in cuts("queue", tmp_path / "disk", recorder, one_in=400):
        file = QueueFile(tmp_path / "disk" / "queue", max_bytes=1 << 26)
        seqs = [row.seq for row in file.found.messages]
        assert seqs == sorted(set(seqs))
        assert all(row.frame == queue_frame(row.seq) for row in file.found.messages)
        assert max(seqs, default=0) <= notes.get("put", 0) + 1
        whole += set(range(notes.get("acknowledged", -1) + 1, notes.get("put", 0))) <= set(seqs)
        # It is a queue like any other: it takes a message, which is there the next time.
        stream = file.add_stream("bot", "next run", "trade")
        file.put(stream.id, 0, 1, b"next")
        file.close()
        again = QueueFile(tmp_path / "disk" / "queue", max_bytes=1 << 26)
        assert again.found.messages[-1].frame == b"next"
        again.close()
        tried += 1
    assert tried > 50
    assert whole > tried / 5  # all that was not acknowledged, where all had reached the disk
