"""Programs whose writes are recorded: `python -m tests.faults.cut_programs NAME DIRECTORY`.

Each notes in a diary beside its files what it has been told, so that the diary's lines have a place among its writes.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from analytics.checkpoint.parts import Part
from analytics.checkpoint.store import CheckpointStore
from analytics.cooperative import run
from ingest.storage.log.batch_log import LogBatch, Transaction
from ingest.storage.log.segment_log import SegmentLog
from ingest.storage.rotated_file import RotatedFile
from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_schema.batch import RECORD

DIARY: Final = "diary"


def log_batch(first_seq: int, trades: int) -> LogBatch:
    """Trades whose price is their offset plus 1."""
    records = b"".join(RECORD.pack(1, 1, 1, 1.0 + first_seq + i, 1.0, 0, 0, 0, 0) for i in range(trades))
    return LogBatch(first_seq, trades, b'{"header": %d}' % first_seq, records)


class _Diary:
    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / DIARY, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, what: str, number: int) -> None:
        os.write(self._fd, f"{what} {number}\n".encode())


def _open_log(directory: Path, diary: _Diary) -> SegmentLog:
    log = SegmentLog(directory / "log", new_stream="first", now_ns=1, max_bytes=1 << 20, segment_bytes=9_000)
    diary.note("synced", log.next_seq)
    return log


def write_log(directory: Path) -> None:
    """A log in several processes, of which all but the last are killed: appends, syncs, begins segments, trims."""
    diary = _Diary(directory)
    log = _open_log(directory, diary)
    for syncs_every in (7, 1_000, 20):
        for turn in range(1, 41):
            seq = log.next_seq
            state: dict[str, bytes | None] = {"seq": b"%d" % (seq + 10), f"run {turn}": b"x" * 50}
            log.append(Transaction([log_batch(seq, 7), log_batch(seq + 7, 3)], state))
            diary.note("appended", log.next_seq)
            if turn % syncs_every == 0:
                diary.note("synced", log.sync())
            if turn % 10 == 0:
                diary.note("trimmed", seq)
                log.trim(seq)
        log = _open_log(directory, diary)
    for _ in range(3):
        log.roll()
        diary.note("synced", log.sync())
        diary.note("trimmed", log.next_seq)
        log.trim(log.next_seq)
        log = _open_log(directory, diary)
    log.close()


CHECKPOINT_PARTS: Final = 3


def checkpoint(number: int) -> dict[str, Any]:
    """A state whose parts change at different times."""
    return {"number": number, "parts": {f"p{i}": _part(number // (i + 1)) for i in range(CHECKPOINT_PARTS)}}


def _part(version: int) -> Part:
    return Part(version + 1, lambda: {"array": np.full(2_000, version)})


def write_checkpoints(directory: Path) -> None:
    """Checkpoints of two processes."""
    diary = _Diary(directory)
    for first in (1, 13):
        store = CheckpointStore(directory / "checkpoints")
        store.load(lambda _: None)
        for number in range(first, first + 12):
            store.save(run(store.capture(checkpoint(number))))
            diary.note("saved", number)


def write_audit(directory: Path) -> None:
    """Lines of two processes in a few small files, each synced."""
    diary = _Diary(directory)
    for first in (0, 50):
        file = RotatedFile(directory / "audit", file_bytes=3_000, files=4, event="unwritable", sync=True)
        for number in range(first, first + 50):
            file.write([audit_line(number)])
            diary.note("written", number)


def audit_line(number: int) -> bytes:
    """A line of some length."""
    return json.dumps({"number": number, "text": "x" * (number * 7 % 300)}).encode() + b"\n"


def queue_frame(seq: int) -> bytes:
    """A message with that number."""
    return b"message %d " % seq * (1 + seq % 500)


def write_queue(directory: Path) -> None:
    """The file of a durable publisher: messages come, and leave as they are acknowledged."""
    diary = _Diary(directory)
    # Without its tail, of whose mapped pages the recorder sees nothing.
    file = QueueFile(directory / "queue", max_bytes=1 << 26, has_tail=False)
    stream = file.add_stream("bot", "run", "trade")
    for seq in range(1_500):
        file.put(stream.id, seq, 1, queue_frame(seq))
        diary.note("put", seq)
        if seq % 100 == 99:
            file.drop_through(seq - 30, 1)
            diary.note("acknowledged", seq - 31)
    file.close()


_PROGRAMS: Final = {"log": write_log, "checkpoints": write_checkpoints, "audit": write_audit, "queue": write_queue}

if __name__ == "__main__":
    _PROGRAMS[sys.argv[1]](Path(sys.argv[2]))
