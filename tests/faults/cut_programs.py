"""Programs whose writes are recorded: `python -m tests.faults.cut_programs NAME DIRECTORY`.

Each notes in a diary beside its files what it has been told, so that the diary's lines have a place among its writes.
"""

import os
import sys
from pathlib import Path
from typing import Final

from ingest.storage.log.batch_log import LogBatch, Transaction
from ingest.storage.log.segment_log import SegmentLog
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
    for syncs_every in (7, 1_000, 20):
        log = _open_log(directory, diary)
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
    for _ in range(3):
        log.roll()
        diary.note("synced", log.sync())
        diary.note("trimmed", log.next_seq)
        log.trim(log.next_seq)
        log = _open_log(directory, diary)
    log.close()


if __name__ == "__main__":
    {"log": write_log}[sys.argv[1]](Path(sys.argv[2]))
