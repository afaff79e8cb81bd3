"""A publisher says that its run goes on, and where it ended."""

import gc
import threading

import pytest

from telemetry_client import InvalidSettingError, Publisher
from telemetry_client.outbox import MemoryOutbox
from telemetry_schema import RunAlive, RunEnd, decode_edge
from tests.client.conftest import Receiver
from tests.client.test_end import run_python

OFTEN_S = 0.01


def test_a_run_ends_with_its_last_number(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot", alive_every_s=3600) as publisher:
        for _ in range(3):
            publisher.trade("BTC-USD", "buy", 1, 1)
        assert ingest.seqs(3) == [0, 1, 2]
    end = _end(ingest)
    assert (end.source, end.run, end.next_seq) == ("bot", publisher.run, 3)


def test_dropped_trades_are_numbered_in_the_end_too(away: Receiver) -> None:
    publisher = Publisher(away.endpoint, max_queued_messages=2, linger_s=30)
    for _ in range(7):
        publisher.trade("BTC-USD", "buy", 1, 1)
    opening = threading.Timer(0.1, away.bind)
    opening.start()
    assert publisher.close()
    opening.join()
    assert away.seqs(2) == [0, 1]
    assert _end(away).next_seq == 7


def test_a_quiet_run_is_reported_again_and_again(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot", alive_every_s=OFTEN_S) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 1)
        assert ingest.trade().seq == 0
        for _ in range(3):
            report = decode_edge(ingest.receive_any())
            assert isinstance(report, RunAlive)
            assert (report.source, report.run, report.next_seq) == ("bot", publisher.run, 1)


def test_the_first_report_comes_soon(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, alive_every_s=3600) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 1)
        assert ingest.trade().seq == 0
        assert isinstance(decode_edge(ingest.receive_any()), RunAlive)


def test_a_publisher_that_sent_nothing_says_nothing_and_has_no_thread(ingest: Receiver) -> None:
    before = threading.active_count()
    with Publisher(ingest.endpoint, alive_every_s=OFTEN_S):
        assert threading.active_count() == before
    with Publisher(ingest.endpoint, "second", alive_every_s=3600) as second:
        second.trade("BTC-USD", "buy", 1, 1)
    assert ingest.trade().source == "second"
    assert ingest.reports == []


def test_reports_do_not_fill_the_queue_while_ingest_is_away(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=10, linger_s=30, alive_every_s=OFTEN_S) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 1)
        # What the thread does, more often than the queue has room.
        outbox = publisher._outbox
        assert isinstance(outbox, MemoryOutbox)
        assert not any(outbox.report_alive() for _ in range(20))
        assert all(publisher.trade("BTC-USD", "buy", 1, 1) for _ in range(9))
        assert not publisher.trade("BTC-USD", "buy", 1, 1)
        away.bind()
        assert away.seqs(10) == list(range(10))


@pytest.mark.parametrize("how", ["close", "forget"])
def test_its_thread_ends_with_it(ingest: Receiver, how: str) -> None:
    publisher = Publisher(ingest.endpoint, alive_every_s=OFTEN_S)
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert any("heartbeat" in thread.name for thread in threading.enumerate())
    if how == "close":
        publisher.close()
    del publisher
    gc.collect()
    assert _end(ingest).next_seq == 1
    _wait_until_no_heartbeat()


def test_a_bot_that_just_ends_says_where(ingest: Receiver) -> None:
    run_python(
        """
import sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], linger_s=30)
publisher.trade("BTC-USD", "buy", 1, 1)
""",
        ingest.endpoint,
    )
    assert _end(ingest).next_seq == 1


@pytest.mark.parametrize("every_s", [0, 0.001, -1, 3601, None])
def test_an_interval_that_is_none_is_refused(every_s: float) -> None:
    with pytest.raises(InvalidSettingError, match="alive_every_s"):
        Publisher(alive_every_s=every_s)


def _end(ingest: Receiver) -> RunEnd:
    while not isinstance(message := decode_edge(ingest.receive_any()), RunEnd):
        pass
    return message


def _wait_until_no_heartbeat() -> None:
    for thread in threading.enumerate():
        if "heartbeat" in thread.name:
            thread.join(10)
            assert not thread.is_alive()
