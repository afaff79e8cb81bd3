"""How long an order takes from the main process to `applied`, against bare ZeroMQ over the same way in the same run.

The same way: ui → ingest → analytics → ui, here through two relays that do nothing but pass the frame on.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import zmq

from telemetry_runtime import AsyncTaskManager, SystemClock
from telemetry_runtime.fakes import FakeSink
from telemetry_runtime.service import _loop_factory
from telemetry_runtime.transport import PullSource, PushSink
from telemetry_schema import TradeCommand, encode
from tests.helpers.services import Pipeline, free_ports
from tests.helpers.views import page_state
from ui.app import OwnState, UiApp
from ui.bars import BarHistory
from ui.commands import CommandBook
from ui.health import Limits
from ui.instant import Instant
from ui.state import Backend
from ui.tally import Tally

pytestmark = [pytest.mark.bench, pytest.mark.timeout(180)]

ORDERS = 300
PAUSE_S = 0.01
MOST_RATIO = 3.0


def _relay(pull_port: int, push_port: int) -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.bind(f"tcp://127.0.0.1:{pull_port}")
        push.connect(f"tcp://127.0.0.1:{push_port}")
        while frame := pull.recv():
            push.send(frame)


class Ring:
    """A frame's way through two relay processes and back, as fast as Python can do it."""

    def __init__(self) -> None:
        first, second, back = free_ports(3)
        spawn = multiprocessing.get_context("spawn")
        self._relays = [
            spawn.Process(target=_relay, args=ends, daemon=True) for ends in ((first, second), (second, back))
        ]
        for relay in self._relays:
            relay.start()
        self._context = zmq.Context()
        self._pull, self._push = self._context.socket(zmq.PULL), self._context.socket(zmq.PUSH)
        self._pull.bind(f"tcp://127.0.0.1:{back}")
        self._push.connect(f"tcp://127.0.0.1:{first}")

    def time_ns(self, frame: bytes) -> int:
        """One round trip."""
        began_ns = time.perf_counter_ns()
        self._push.send(frame)
        self._pull.recv()
        return time.perf_counter_ns() - began_ns

    def close(self) -> None:
        """Ends the relays."""
        for relay in self._relays:
            relay.terminate()
            relay.join()
        self._context.destroy(linger=0)


class Orders:
    """The UI's main process without a page: orders go in as the page would send them."""

    def __init__(self, app: UiApp, book: CommandBook, applied: "asyncio.Queue[int]") -> None:
        self._app, self._book, self._applied = app, book, applied

    async def time_ns(self) -> int:
        """One order until it is applied."""
        order = TradeCommand(
            command_id=uuid4(), source="ui", symbol="BTC-USD", side="buy", qty=0.001, sent_ns=time.time_ns()
        )
        self._app._take_from_page(encode(order))
        async with asyncio.timeout(5):
            return await self._applied.get()


@asynccontextmanager
async def _orders(pipeline: Pipeline, endpoint: str) -> AsyncIterator[Orders]:
    applied: asyncio.Queue[int] = asyncio.Queue()
    book = CommandBook(
        no_answer_after_ns=5_000_000_000,
        on_status=lambda status, ns: applied.put_nowait(ns) if status == "applied" else None,
    )
    clock = SystemClock()
    backend = Backend(started=Instant.now(clock), bars=BarHistory(60))
    async with PushSink(pipeline.endpoint) as ingest, PullSource(endpoint) as source, AsyncTaskManager() as tasks:
        app = UiApp(
            page=FakeSink(),
            ingest=ingest,
            backend=backend,
            book=book,
            tally=Tally(),
            limits=Limits(away_after_ns=60_000_000_000, stale_after_ns=60_000_000_000),
            clock=clock,
            own=OwnState(page_state, lambda: 0),
        )
        tasks.start("backend", app.follow_backend(source))
        while backend.snapshot is None or not backend.snapshot.symbols:  # noqa: ASYNC110 - another process' doing
            await asyncio.sleep(0.05)
        yield Orders(app, book, applied)


def test_an_order_takes_at_most_three_times_as_long_as_bare_sockets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The loop that the service runs on, not the one of the other tests.
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        bare_ns, order_ns = runner.run(_measure(tmp_path))
    bare, order = statistics.median(bare_ns), statistics.median(order_ns)
    p99 = statistics.quantiles(order_ns, n=100)[98]
    with capsys.disabled():
        print(  # noqa: T201 - what a measurement is for
            f"\nto applied: median {order / 1e6:.3f} ms, p99 {p99 / 1e6:.3f} ms over {ORDERS} orders; "
            f"bare ring: median {bare / 1e6:.3f} ms; ratio {order / bare:.2f}"
        )
    assert order <= MOST_RATIO * bare


async def _measure(tmp_path: Path) -> tuple[list[int], list[int]]:
    """Bare and real round trips in turns, in nanoseconds."""
    (port,) = free_ports(1)
    endpoint = f"tcp://127.0.0.1:{port}"
    settings = {
        "INGEST_UI_ENDPOINTS": endpoint,
        "ANALYTICS_UI_ENDPOINTS": endpoint,
        "INGEST_DESK_MAX_COMMANDS_PER_S": "1000",
    }
    ring = Ring()
    bare_ns: list[int] = []
    order_ns: list[int] = []
    frame = b"x" * 200  # as long as a command
    try:
        with Pipeline(tmp_path, feeds="sim://BTC-USD?rate=20", **settings) as pipeline:
            pipeline.start()
            async with _orders(pipeline, endpoint) as orders:
                for _ in range(ORDERS):
                    bare_ns.append(ring.time_ns(frame))
                    order_ns.append(await orders.time_ns())
                    await asyncio.sleep(PAUSE_S)
    finally:
        ring.close()
    return bare_ns, order_ns
