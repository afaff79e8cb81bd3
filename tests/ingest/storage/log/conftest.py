"""Logs of both kinds, and batches to put into them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.storage.log.batch_log import BatchLog, LogBatch
from ingest.storage.log.memory_log import MemoryLog
from ingest.storage.log.segment_log import SegmentLog
from telemetry_schema.batch import RECORD

OpenLog = Callable[..., SegmentLog]


def batch(first_seq: int, trades: int = 1) -> LogBatch:
    """Trades whose price is their offset plus 1."""
    records = b"".join(RECORD.pack(1, 1, 1, 1.0 + first_seq + i, 1.0, 0, 0, 0, 0) for i in range(trades))
    return LogBatch(first_seq, trades, b'{"header": %d}' % first_seq, records)


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[OpenLog]:
    """Opens the log of this test, as often as one likes: the earlier process was killed."""
    opened: list[SegmentLog] = []

    def open_it(*, now_ns: int = 1, max_bytes: int = 1 << 30, segment_bytes: int = 2_000) -> SegmentLog:
        opened.append(
            SegmentLog(
                tmp_path / "log", new_stream="s", now_ns=now_ns, max_bytes=max_bytes, segment_bytes=segment_bytes
            )
        )
        return opened[-1]

    yield open_it
    for log in opened:
        log.close()


@pytest.fixture(params=["on disk", "in memory"])
def log(request: pytest.FixtureRequest, open_log: OpenLog) -> BatchLog:
    return open_log() if request.param == "on disk" else MemoryLog("s", max_bytes=1 << 30)
