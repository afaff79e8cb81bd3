"""A bot that closes its publisher in the handler of a signal, whatever the signal has interrupted."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.client.conftest import Receiver
from tests.client.test_end import run_python
from tests.helpers.ports import held_port

BLOCKED = """
import signal, sys, threading, os
from pathlib import Path
from telemetry_client import ClosedError, Publisher

endpoint, path = sys.argv[1:]
queue = dict(durable=path, acks_endpoint=endpoint, durable_max_bytes=2**20) if path else dict(max_queued_messages=10)
publisher = Publisher(endpoint, block_s=600, linger_s=0.2, **queue)
answers = []
signal.signal(signal.SIGTERM, lambda *_: answers.append(publisher.close()))
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    while publisher.trade("BTC-USD", "buy", 1, 1):
        pass
except ClosedError:
    pass
assert answers == [False], answers
publisher.close()
print("ended")
"""


@pytest.mark.parametrize("queue", ["memory", "durable"])
def test_a_signal_while_a_call_waits_for_room_ends_the_bot(queue: str, tmp_path: Path) -> None:
    with held_port() as port:
        path = str(tmp_path / "queue") if queue == "durable" else ""
        assert run_python(BLOCKED, f"tcp://127.0.0.1:{port}", path).strip() == "ended"


BUSY = """
import signal, sys
from telemetry_client import ClosedError, Publisher

endpoint, path = sys.argv[1:]
more = dict(durable=path, acks_endpoint=endpoint) if path else {}
closed = []

def stop(*_):
    closed.append(publisher.close())

signal.signal(signal.SIGALRM, stop)
for turn in range(12):
    publisher = Publisher(endpoint, linger_s=0, **more)
    signal.setitimer(signal.ITIMER_REAL, 0.002 + turn * 0.001_17)
    try:
        while len(closed) == turn:
            publisher.trade("BTC-USD", "buy", 1, 1)
            publisher.stats()
    except ClosedError:
        pass
    publisher.close()
print("ended")
"""


@pytest.mark.parametrize("queue", ["memory", "durable"])
def test_a_signal_at_any_moment_of_a_call_hangs_nobody(queue: str, tmp_path: Path, ingest: Receiver) -> None:
    path = str(tmp_path / "queue") if queue == "durable" else ""
    assert run_python(BUSY, ingest.endpoint, path).strip() == "ended"


TWICE = """
import signal, sys, time
from telemetry_client import Publisher

publisher = Publisher(sys.argv[1], linger_s=3)
answers = []

def stop(*_):
    answers.append(None)
    answers[len(answers) - 1] = publisher.close()

signal.signal(signal.SIGTERM, stop)
publisher.trade("BTC-USD", "buy", 1, 1)
print("ready", flush=True)
while len(answers) < 2:
    time.sleep(0.05)
assert not any(answers)
print("ended")
"""


def test_a_second_signal_does_not_wait_for_the_close_that_it_interrupts() -> None:
    with (
        held_port() as port,
        subprocess.Popen(
            [sys.executable, "-c", TWICE, f"tcp://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True
        ) as bot,
    ):
        assert bot.stdout is not None
        assert bot.stdout.readline() == "ready\n"
        bot.send_signal(signal.SIGTERM)
        again = threading.Timer(0.5, bot.send_signal, (signal.SIGTERM,))
        again.start()
        assert bot.communicate(timeout=30)[0] == "ended\n"
        again.join()
