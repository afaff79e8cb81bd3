"""Waiting until all that was handed over has gone out."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq

from telemetry_client import ClosedError, InvalidSettingError, Publisher
from telemetry_client.connection import Connection, Receipt
from telemetry_client.outbox import MemoryOutbox
from telemetry_client.run_counts import RunCounts
from tests.client.conftest import SLACK_S, Receiver, quickest
from tests.client.test_end import run_python
from tests.client.test_peers import http_port as http_port  # noqa: PLC0414 - a fixture


def send(publisher: Publisher, count: int = 1) -> None:
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 1)


def test_what_is_flushed_arrives_though_the_process_is_killed_at_once(ingest: Receiver) -> None:
    code = """
import os, signal, sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], linger_s=0)
for _ in range(1000):
    publisher.trade("BTC-USD", "buy", 1, 1)
print(publisher.flush(30), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, ingest.endpoint], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
    assert ingest.seqs(1000) == list(range(1000))


def test_while_ingest_is_away_it_gives_up_in_time_and_the_trades_wait_on(away: Receiver) -> None:
    with Publisher(away.endpoint, linger_s=30) as publisher:
        send(publisher, 5)

        def flush() -> float:
            started_s = time.monotonic()
            assert not publisher.flush(0.1)
            return time.monotonic() - started_s

        assert 0.09 <= quickest(flush) <= 0.1 + SLACK_S
        away.bind()
        assert publisher.flush(30)
        send(publisher)
        assert publisher.flush(30)
        assert away.seqs(6) == list(range(6))


def test_a_full_queue_is_flushed_as_soon_as_there_is_room(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=2) as publisher, ThreadPoolExecutor(1) as pool:
        send(publisher, 2)
        assert not publisher.flush(0)
        assert not publisher.flush(0.01)
        call = pool.submit(publisher.flush, 30)
        away.bind()
        assert call.result()
        assert away.seqs(2) == [0, 1]


def test_what_a_slow_ingest_has_not_taken_is_not_flushed(away: Receiver) -> None:
    away.bind(rcvhwm=1, rcvbuf=4096)
    with Publisher(away.endpoint, max_queued_messages=1_000_000, linger_s=0) as publisher:
        large = {"symbol": "BTC-USD", "side": "buy", "qty": [1.0] * 1000, "price": [1.0] * 1000}
        for _ in range(500):
            assert publisher.trades(**large)  # type: ignore[arg-type]  # as a bot would
        assert not publisher.flush(0.2)


def test_nothing_is_flushed_at_once(away: Receiver) -> None:
    with Publisher(away.endpoint) as publisher:
        assert publisher.flush(0)


def test_a_peer_that_is_no_ingest_gets_nothing(http_port: int) -> None:
    with Publisher(f"tcp://127.0.0.1:{http_port}", linger_s=0) as publisher:
        send(publisher)
        assert not publisher.flush(0.3)


@pytest.fixture
def rep() -> Iterator[str]:
    """A socket that does not pull."""
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        yield f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"


def test_a_socket_that_does_not_pull_gets_nothing(rep: str) -> None:
    with Publisher(rep, linger_s=0) as publisher:
        send(publisher)
        assert not publisher.flush(0.3)


def test_threads_flush_and_send_side_by_side(ingest: Receiver) -> None:
    threads, each = 8, 50
    start = threading.Barrier(threads)

    def work(publisher: Publisher) -> bool:
        start.wait()
        flushed = []
        for _ in range(each):
            send(publisher)
            flushed.append(publisher.flush(30))
        return all(flushed)

    with Publisher(ingest.endpoint) as publisher, ThreadPoolExecutor(threads) as pool:
        calls = [pool.submit(work, publisher) for _ in range(threads)]
        assert ingest.seqs(threads * each) == list(range(threads * each))
        assert all(call.result() for call in calls)


def test_closing_meanwhile_ends_the_wait(away: Receiver) -> None:
    with ThreadPoolExecutor(1) as pool:
        publisher = Publisher(away.endpoint, max_queued_messages=1, linger_s=0)
        send(publisher)
        call = pool.submit(publisher.flush, 0.5)
        publisher.close()
        assert call.exception() is not None or not call.result()


class ClosingReceipt(Receipt):
    """Calls `close` in place of a wait."""

    def __init__(self, close: Callable[[], object]) -> None:
        super().__init__()
        self._close = close

    def wait(self, timeout: float | int = -1) -> None:  # noqa: ARG002, PYI041 - as its base has it
        self._close()


class ClosedAtLastReport(Connection):
    """Calls `close_meanwhile` just when the second report of a flush is written."""

    reports = 0
    close_meanwhile: Callable[[], object]

    def offer_tracked(self, frame: bytes) -> Receipt | None:
        receipt = super().offer_tracked(frame)
        self.reports += receipt is not None
        return ClosingReceipt(self.close_meanwhile) if self.reports == 2 else receipt


def test_a_close_just_before_a_flush_looks_at_the_connection_is_no_error(ingest: Receiver) -> None:
    connection = ClosedAtLastReport(ingest.endpoint, max_queued_messages=10, curve=None)
    outbox = MemoryOutbox(
        connection,
        RunCounts("bot", "run"),
        max_queued_messages=10,
        block_s=0.0,
        linger_s=30.0,
        alive_every_s=10.0,
    )
    connection.close_meanwhile = outbox.close
    assert outbox.put(b"{}", 1, None)
    assert not outbox.flush(time.monotonic() + 30)
    assert connection.reports == 2


def test_a_closed_publisher_cannot_be_flushed(publisher: Publisher) -> None:
    publisher.close()
    with pytest.raises(ClosedError):
        publisher.flush()


@pytest.mark.parametrize("timeout_s", [-1, float("nan"), None, "1", 3601])
def test_a_time_that_is_none_is_refused(publisher: Publisher, timeout_s: float) -> None:
    with pytest.raises(InvalidSettingError, match="timeout_s"):
        publisher.flush(timeout_s)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_flushes_its_own_and_not_its_parents(ingest: Receiver) -> None:
    said = run_python(
        """
import os, sys, warnings
from telemetry_client import ForkedError, Publisher
warnings.simplefilter("ignore")
with Publisher(sys.argv[1], "parent", linger_s=30) as publisher:
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert publisher.flush(30)
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert publisher.flush(30)
    else:
        try:
            publisher.flush(1)
        except ForkedError:
            print("refused", flush=True)
        with Publisher(sys.argv[1], "child", linger_s=30) as own:
            own.trade("BTC-USD", "buy", 1, 1)
            assert own.flush(30)
""",
        ingest.endpoint,
    )
    assert said == "refused\n"
    assert sorted(ingest.trade().source for _ in range(2)) == ["child", "parent"]


def test_a_bot_that_ends_with_an_unfinished_flush_ends_quietly(away: Receiver) -> None:
    code = """
import sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], linger_s=0)
publisher.trade("BTC-USD", "buy", 1, 1)
assert not publisher.flush(0.05)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code, away.endpoint], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
