"""What every log does, on disk and in memory."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.storage.log.batch_log import BatchLog, LogFullError, Transaction
from ingest.storage.log.memory_log import MemoryLog
from tests.helpers.examples import examples
from tests.ingest.storage.log.conftest import OpenLog, batch

ALL = 1 << 30


def append(log: BatchLog, *sizes: int, **state: bytes | None) -> None:
    """One transaction with batches of these sizes."""
    batches, seq = [], log.next_seq
    for size in sizes:
        batches.append(batch(seq, size))
        seq += size
    log.append(Transaction(batches, dict(state)))


def read_all(log: BatchLog, seq: int = 0) -> list[tuple[int, int, bytes, bytes]]:
    found = []
    while batches := log.read(seq, max_bytes=100):
        found += [(each.first_seq, each.trades, each.header, bytes(each.records)) for each in batches]
        seq = batches[-1].end_seq
    return found


def contents(*batches: tuple[int, int]) -> list[tuple[int, int, bytes, bytes]]:
    return [
        (each.first_seq, each.trades, each.header, bytes(each.records)) for each in [batch(*each) for each in batches]
    ]


def test_an_empty_log_has_nothing_to_read(log: BatchLog) -> None:
    assert (log.first_seq, log.next_seq, log.read(0, max_bytes=ALL), log.state()) == (0, 0, [], {})


def test_what_is_appended_is_read_in_order_from_any_offset(log: BatchLog) -> None:
    append(log, 3, 1)
    append(log, 2)
    assert read_all(log) == contents((0, 3), (3, 1), (4, 2))
    assert read_all(log, 2) == contents((0, 3), (3, 1), (4, 2))
    assert read_all(log, 3) == contents((3, 1), (4, 2))
    assert read_all(log, 5) == contents((4, 2))
    assert read_all(log, 6) == []


def test_reading_goes_on_behind_what_was_appended_meanwhile(log: BatchLog) -> None:
    append(log, 1)
    assert read_all(log) == contents((0, 1))
    append(log, 1)
    assert read_all(log, 1) == contents((1, 1))
    assert read_all(log, 0) == contents((0, 1), (1, 1))


def test_the_state_is_that_of_the_last_transaction(log: BatchLog) -> None:
    append(log, 1, a=b"1", b=b"1")
    append(log, a=b"2", b=None)
    assert log.state() == {"a": b"2"}


def test_a_trimmed_log_begins_later_and_reads_from_there(log: BatchLog) -> None:
    for _ in range(200):
        append(log, 1)
    log.sync()
    log.trim(100)
    assert 0 < log.first_seq <= 100
    assert read_all(log, 0)[0][0] == log.first_seq
    assert read_all(log, 100) == contents(*((seq, 1) for seq in range(100, 200)))


def test_a_full_log_takes_nothing_until_it_is_trimmed(open_log: OpenLog) -> None:
    for log in (open_log(max_bytes=10_000), MemoryLog("s", max_bytes=10_000)):
        taken = 0
        with pytest.raises(LogFullError):
            for _ in range(1_000):
                append(log, 1)
                taken += 1
        assert 50 < taken < 200
        assert log.next_seq == taken
        append(log, a=b"1")  # there is room for what is no batch
        log.sync()
        log.trim(taken)
        append(log, 1)
        assert log.next_seq == taken + 1
        assert log.held_bytes <= 10_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(40))
@given(st.lists(st.lists(st.integers(1, 40), max_size=3), max_size=30), st.integers(0, 300), st.integers(100, 20_000))
def test_whatever_is_appended_is_read_back(
    open_log: OpenLog, transactions: list[list[int]], seq: int, segment_bytes: int
) -> None:
    log = open_log(segment_bytes=segment_bytes)
    begin = log.next_seq
    for sizes in transactions:
        append(log, *sizes)
    expected, first = [], begin
    for size in (size for sizes in transactions for size in sizes):
        expected.append((first, size))
        first += size
    wanted = [each for each in expected if sum(each) > begin + seq]
    assert [each[:2] for each in read_all(log, begin + seq)] == wanted
