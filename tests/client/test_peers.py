"""Whom a publisher can reach, and that it says True only where an ingest has answered."""

import http.server
import itertools
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
import zmq

from telemetry_client import CurveKeys, Publisher
from telemetry_client.outbox import MemoryOutbox
from tests.client.conftest import Receiver
from tests.client.test_end import run_python
from tests.helpers.ports import held_port


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers that it does not understand, and logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def http_port() -> Iterator[int]:
    """The likely slip: ingest's HTTP port instead of the one for trades."""
    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _closed(publisher: Publisher) -> bool:
    for _ in range(6):
        assert publisher.trade("BTC-USD", "buy", 1, 1)
    return publisher.close()


def test_an_http_port_is_no_ingest(http_port: int) -> None:
    publisher = Publisher(f"tcp://127.0.0.1:{http_port}", linger_s=0.3)
    assert not _closed(publisher)
    assert publisher.stats().unflushed_messages == 6


def test_an_ingest_without_keys_is_none_for_who_wants_keys(ingest: Receiver) -> None:
    server, _ = zmq.curve_keypair()
    publisher = Publisher(ingest.endpoint, curve=CurveKeys(server.decode()), linger_s=0.3)
    assert not _closed(publisher)
    assert publisher.stats().unflushed_messages == 6


@pytest.mark.parametrize("kind", [zmq.SUB, zmq.REP, zmq.ROUTER, zmq.PUSH])
def test_a_socket_that_does_not_pull_is_no_ingest(kind: int) -> None:
    with zmq.Context() as context, context.socket(kind) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        assert not _closed(Publisher(f"tcp://127.0.0.1:{port}", linger_s=0.3))


def test_an_ingest_that_answers_late_is_waited_for(away: Receiver) -> None:
    publisher = Publisher(away.endpoint, linger_s=30)
    publisher.trade("BTC-USD", "buy", 1, 1)
    opening = threading.Timer(0.2, away.bind)
    opening.start()
    assert publisher.close()
    opening.join()
    assert away.trade().seq == 0


def test_it_works_over_ipv6() -> None:
    with held_port("::1") as port, zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.ipv6 = True
        pull.rcvtimeo = 10_000
        pull.bind(f"tcp://[::1]:{port}")
        with Publisher(f"tcp://[::1]:{port}", linger_s=30) as publisher:
            assert publisher.trade("BTC-USD", "buy", 1, 1)
        assert pull.recv()
        assert publisher.stats().unflushed_messages == 0


def test_two_publishers_of_one_run_count_in_runs_of_their_own(ingest: Receiver) -> None:
    runs = set()
    for _ in range(2):
        with Publisher(ingest.endpoint, "bot", run="prod") as publisher:
            publisher.trade("BTC-USD", "buy", 1, 1)
        trade = ingest.trade()
        assert (trade.run, trade.seq) == (publisher.run, 0)
        assert publisher.run.startswith("prod-")
        runs.add(trade.run)
    assert len(runs) == 2


CHILDREN = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from telemetry_client import Publisher

publisher = None

def send(arguments):
    global publisher
    endpoint, count = arguments
    publisher = publisher or Publisher(endpoint, "child", linger_s=30)
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 1)

if __name__ == "__main__":
    endpoint, how, method = sys.argv[1:]
    context = multiprocessing.get_context(method)
    if how == "process":
        children = [context.Process(target=send, args=((endpoint, 500),)) for _ in range(2)]
        for child in children: child.start()
        for child in children: child.join()
    elif how == "executor":
        with ProcessPoolExecutor(2, mp_context=context) as pool: list(pool.map(send, [(endpoint, 100)] * 10))
    else:
        pool = context.Pool(2)
        pool.map(send, [(endpoint, 100)] * 10)
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("how", ["process", "executor", "pool"])
def test_children_lose_nothing_at_their_end(ingest: Receiver, tmp_path: Path, how: str, method: str) -> None:
    get_context(method)  # not there on every platform
    program = tmp_path / "children.py"
    program.write_text(CHILDREN)
    subprocess.run([sys.executable, program, ingest.endpoint, how, method], check=True, timeout=50)
    sent: dict[str | None, set[int | None]] = {}
    for _ in range(1000):
        trade = ingest.trade()
        sent.setdefault(trade.run, set()).add(trade.seq)
    assert all(seqs == set(range(len(seqs))) for seqs in sent.values())


README = Path(__file__).parents[2] / "libs/client/README.md"


def test_the_snippet_of_the_readme_always_arrives(ingest: Receiver) -> None:
    code = README.read_text().split("## Without this package")[1].split("```python\n")[1].split("```")[0]
    code = code.replace("tcp://127.0.0.1:5555", ingest.endpoint)
    for _ in range(20):
        run_python(code)
        assert ingest.trade().seq == 0


@contextmanager
def refusing_port(connections: int) -> Iterator[tuple[int, threading.Event]]:
    """A port where each connection is ended at once, and what is set after so many of them."""
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:

        def refuse() -> None:
            with suppress(OSError):
                for count in itertools.count(1):
                    server.accept()[0].close()
                    if count == connections:
                        enough.set()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        yield server.getsockname()[1], enough
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_publisher_that_was_refused_thousands_of_times_still_tries_and_still_closes() -> None:
    with refusing_port(1_500) as (port, enough):
        publisher = Publisher(f"tcp://127.0.0.1:{port}", linger_s=0.3)
        assert isinstance(publisher._outbox, MemoryOutbox)
        quick = publisher._outbox._connection._socket  # a thousand tries would take minutes
        quick.disconnect(f"tcp://127.0.0.1:{port}")
        quick.reconnect_ivl = 1
        quick.connect(f"tcp://127.0.0.1:{port}")
        assert enough.wait(60), "its thread stands still"
        assert publisher.close()
