"""Well-formed but impossible reports on ingest's progress port: whatever they say, no accepted trade is given up."""

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.chunks import Chunk
from ingest.delivery.batch_delivery import BatchDelivery
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.memory_log import MemoryLog
from telemetry_runtime.fakes import FakeClock, FakeSink
from telemetry_schema import DecodeError, Progress, decode_progress, encode
from telemetry_schema.batch import RECORD

BATCHES, TRADES = 4, 5
SENT = BATCHES * TRADES
NUMBERS = st.integers(0, SENT) | st.integers(0, 2**63 - 1)
REPORTS = st.builds(
    Progress,
    stream=st.sampled_from(["s", "other", "s\u202e"]),
    epoch=st.sampled_from([0, 1, 2, 2**62]),
    next_seq=NUMBERS,
    checkpointed_seq=NUMBERS,
    resend=st.booleans(),
)


def _is_impossible(report: Progress) -> bool:
    """Of another stream, or of trades that were never sent, or saved before they were applied."""
    ahead = report.epoch == 1 and report.next_seq > SENT
    return report.stream != "s" or ahead or report.checkpointed_seq > report.next_seq


async def _after(reports: list[Progress]) -> tuple[int, int, int]:
    """The first trade that the log still holds, and how many wait, after the reports; and after an honest one."""
    clock, log = FakeClock(), MemoryLog("s", max_bytes=1 << 30)
    writer = GroupCommit(log, clock=clock)
    delivery = BatchDelivery(FakeSink(), writer, clock=clock)
    for _ in range(BATCHES):
        delivery.add(Chunk(RECORD.pack(1, 1, 1, 1.0, 1.0, 0, 0, 0, 0) * TRADES, ["A"], ["bot"], []))
        writer.append()
    await delivery.flush()
    for report in reports:
        delivery.on_progress(decode_progress(encode(report)))
        delivery.heartbeat()
    first_seq = log.first_seq
    delivery.on_progress(Progress(stream="s", epoch=1, next_seq=SENT, checkpointed_seq=SENT))
    return first_seq, delivery.unapplied_trades, log.first_seq


@given(st.lists(REPORTS.filter(_is_impossible), max_size=8))
def test_an_impossible_report_costs_no_trade_and_the_next_honest_one_counts(reports: list[Progress]) -> None:
    assert asyncio.run(_after(reports)) == (0, 0, SENT)


@given(st.binary(max_size=200) | st.builds(encode, REPORTS).map(lambda frame: frame[:-3] + b"9" * 30 + b"}"))
def test_what_is_no_report_is_refused_and_nothing_else(frame: bytes) -> None:
    with suppress(DecodeError):
        decode_progress(frame)
