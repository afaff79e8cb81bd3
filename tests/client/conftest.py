"""A stand-in for ingest: a real PULL socket on the loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from telemetry_client import Publisher
from telemetry_schema import EdgeMessage, Trade, TradeColumns, decode_edge
from tests.helpers.ports import held_port

RECEIVE_MS = 10_000
SLACK_S = 0.5  # what a busy machine may add to a wait


def quickest(attempt: Callable[[], float]) -> float:
    """The least of three times: a busy machine may hold a process up for longer than any slack, but not each time."""
    return min(attempt() for _ in range(3))


class Receiver:
    """Binds a PULL socket to its port when asked to, again and again."""

    def __init__(self, port: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self.reports: list[EdgeMessage] = []
        self.endpoint = f"tcp://127.0.0.1:{port}"

    def bind(self, **options: Any) -> None:  # noqa: ANN401 - whatever the socket knows
        # A context of its own, as only the end of the context waits until the port is free again.
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.rcvtimeo = RECEIVE_MS
        for name, value in options.items():
            setattr(self._socket, name, value)
        self._socket.bind(self.endpoint)

    def receive(self) -> bytes:
        """The next message of trades; reports about runs before it are put aside."""
        while (frame := self.receive_any()).startswith((b'{"type":"alive"', b'{"type":"end"')):
            self.reports.append(decode_edge(frame))
        return frame

    def receive_any(self) -> bytes:
        assert self._socket is not None
        return self._socket.recv()

    def trade(self) -> Trade:
        message = decode_edge(self.receive())
        assert isinstance(message, Trade)
        return message

    def columns(self) -> TradeColumns:
        message = decode_edge(self.receive())
        assert isinstance(message, TradeColumns)
        return message

    def seqs(self, count: int) -> list[int | None]:
        return [self.trade().seq for _ in range(count)]

    def unbind(self) -> None:
        if self._context is not None:
            self._context.destroy(linger=0)


@pytest.fixture
def away() -> Iterator[Receiver]:
    """An ingest that is not there until `bind` is called; its endpoint is known and nobody else's."""
    with held_port() as port:
        receiver = Receiver(port)
        yield receiver
        receiver.unbind()


@pytest.fixture
def ingest() -> Iterator[Receiver]:
    with held_port() as port:
        receiver = Receiver(port)
        receiver.bind()
        yield receiver
        receiver.unbind()


@pytest.fixture
def publisher(ingest: Receiver) -> Iterator[Publisher]:
    with Publisher(ingest.endpoint, "bot") as publisher:
        yield publisher
