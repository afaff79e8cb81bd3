"""How a publisher ends: closed, forgotten, forked."""

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry_client import ClosedError, Publisher
from tests.client.conftest import Receiver, quickest


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code, *arguments], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_closing_sends_what_is_queued(ingest: Receiver) -> None:
    publisher = Publisher(ingest.endpoint, linger_s=30)
    for _ in range(1000):
        publisher.trade("BTC-USD", "buy", 1, 1)
    assert publisher.close()
    assert publisher.stats().unflushed_messages == 0
    assert ingest.seqs(1000) == list(range(1000))


def test_closing_while_ingest_is_away_gives_up_in_time_and_says_so(away: Receiver) -> None:
    def close() -> float:
        publisher = Publisher(away.endpoint, linger_s=0.1)
        for _ in range(5):
            publisher.trade("BTC-USD", "buy", 1, 1)
        started_s = time.monotonic()
        assert not publisher.close()
        took_s = time.monotonic() - started_s
        assert publisher.stats().unflushed_messages == 5
        return took_s

    assert quickest(close) < 1


def test_without_leave_to_linger_nothing_is_certain(away: Receiver) -> None:
    publisher = Publisher(away.endpoint, linger_s=0)
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert not publisher.close()


def test_closing_what_sent_nothing_is_flushed_even_without_leave_to_linger(away: Receiver) -> None:
    assert Publisher(away.endpoint, linger_s=0).close()


def test_closing_again_gives_the_same_answer(away: Receiver) -> None:
    publisher = Publisher(away.endpoint, linger_s=0)
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert publisher.close() is publisher.close() is False


@pytest.mark.parametrize(
    "use",
    [
        lambda publisher: publisher.trade("BTC-USD", "buy", 1, 1),
        lambda publisher: publisher.trades(symbol="BTC-USD", side="buy", qty=[1], price=[1]),
    ],
)
def test_a_closed_publisher_cannot_be_used(publisher: Publisher, use: Callable[[Publisher], bool]) -> None:
    publisher.close()
    with pytest.raises(ClosedError):
        use(publisher)
    assert publisher.stats().sent_trades == publisher.stats().dropped_trades == 0


def test_closing_while_another_thread_waits_for_room_ends_both(away: Receiver) -> None:
    with ThreadPoolExecutor(1) as pool:
        publisher = Publisher(away.endpoint, max_queued_messages=1, block_s=0.5, linger_s=0)
        publisher.trade("BTC-USD", "buy", 1, 1)
        called = threading.Event()

        def wait_for_room() -> bool:
            called.set()
            return publisher.trade("BTC-USD", "buy", 1, 1)

        call = pool.submit(wait_for_room)
        called.wait()
        publisher.close()
        # The call may have come before the end, or after it.
        assert call.exception() is None or isinstance(call.exception(), ClosedError)


def test_a_forgotten_publisher_still_sends_what_is_queued(ingest: Receiver) -> None:
    publisher = Publisher(ingest.endpoint)
    publisher.trade("BTC-USD", "buy", 1, 1)
    del publisher
    gc.collect()
    assert ingest.trade().seq == 0


def test_a_bot_that_just_ends_still_sends_what_is_queued(ingest: Receiver) -> None:
    run_python(
        """
import sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], max_queued_messages=1000)
for _ in range(1000):
    publisher.trade("BTC-USD", "buy", 1, 1)
""",
        ingest.endpoint,
    )
    assert ingest.seqs(1000) == list(range(1000))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_cannot_use_its_parents_publisher_but_one_of_its_own(ingest: Receiver) -> None:
    said = run_python(
        """
import os, sys, warnings
from telemetry_client import ForkedError, Publisher
warnings.simplefilter("ignore")
with Publisher(sys.argv[1], "parent") as publisher:
    publisher._outbox.lock.acquire()  # as another thread may, at the moment of the fork
    child = os.fork()
    if child:
        publisher._outbox.lock.release()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        publisher.trade("BTC-USD", "buy", 1, 1)
    else:
        try:
            publisher.trade("BTC-USD", "buy", 1, 1)
        except ForkedError as error:
            print(error, flush=True)
        with Publisher(sys.argv[1], "child") as own:
            own.trade("BTC-USD", "buy", 1, 1)
""",
        ingest.endpoint,
    )
    assert "make a new one after the fork" in said
    assert sorted(ingest.trade().source for _ in range(2)) == ["child", "parent"]
