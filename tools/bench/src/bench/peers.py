"""The other ends: processes that push, pull and forward with nothing but pyzmq, and say when.

They live as long as the benchmark and take one order after the other through a pipe, so that no run pays for the start
of a process. Times are of the system-wide monotonic clock, in nanoseconds.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import numpy as np
import zmq

from loadtest.frames import ColumnFrames, Encoder, MadeUpMarket, SingleFrames

Pipe: TypeAlias = "Connection[Any, Any]"

HIGH_WATER_MARK = 1_000
"""Of every socket here: ZeroMQ's default, and what the services use towards clients."""

BATCH = 256
"""Trades of a columnar message."""


@dataclass(frozen=True, slots=True)
class Order:
    """Messages to push: `count` trades of `symbols` symbols, one a message or `BATCH` in columns."""

    endpoint: str
    form: str
    count: int
    symbols: int
    run: str


def frames_of(order: Order) -> list[bytes]:
    """The messages, all encoded ahead; their times are of now."""
    market = MadeUpMarket.made_up(order.symbols, seed=1)
    is_single = order.form == "single"
    encoder: Encoder = (
        SingleFrames("bench", order.run, market) if is_single else ColumnFrames("bench", order.run, market, BATCH)
    )
    messages = order.count if is_single else order.count // BATCH
    return encoder.encode(0, np.full(messages, time.time_ns(), np.int64))


def push(pipe: Pipe) -> None:
    """Pushes each order's messages as fast as they are taken: ready → go → (begin, end of pushing)."""
    context = zmq.Context()
    for order in iter(pipe.recv, None):
        frames = frames_of(order)
        with open_socket(context, zmq.PUSH) as socket:
            socket.connect(order.endpoint)
            socket.poll(30_000, zmq.POLLOUT)
            pipe.send(len(frames))
            pipe.recv()
            send = socket.send
            begin_ns = time.monotonic_ns()
            for frame in frames:
                send(frame)
            pipe.send((begin_ns, time.monotonic_ns()))
    context.term()


def pull(pipe: Pipe) -> None:
    """Pulls a given number of messages: endpoint → when the last one was there."""
    context = zmq.Context()
    with open_socket(context, zmq.PULL) as socket:
        pipe.send(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}")
        for count in iter(pipe.recv, None):
            receive = socket.recv
            for _ in range(count):
                receive()
            pipe.send(time.monotonic_ns())
    context.term()


@contextmanager
def open_socket(context: "zmq.Context[zmq.Socket[bytes]]", kind: int) -> "Iterator[zmq.Socket[bytes]]":
    """A socket as a user would open it; waits at the end until what it holds is sent."""
    socket = context.socket(kind)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.set_hwm(HIGH_WATER_MARK)
    try:
        yield socket
    finally:
        socket.close(10_000)


@contextmanager
def process(work: Callable[..., None], *arguments: object) -> Iterator[Pipe]:
    """A process that does `work(pipe, *arguments)` until it is sent None."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=work, args=(theirs, *arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        yield ours
        ours.send(None)
        child.join(10)
    finally:
        child.kill()


@dataclass(frozen=True, slots=True)
class Bare:
    """A pusher and, at the other end of the same kind of socket, a puller."""

    pusher: Pipe
    puller: Pipe
    endpoint: str

    def seconds(self, order: Order) -> float:
        """From the first send to the last receive."""
        self.pusher.send(order)
        self.puller.send(self.pusher.recv())
        self.pusher.send(None)
        begin_ns: int = self.pusher.recv()[0]
        end_ns: int = self.puller.recv()
        return (end_ns - begin_ns) / 1e9


@contextmanager
def bare() -> Iterator[Bare]:
    """Both processes, for as long as the context is open."""
    with ExitStack() as stack:
        pusher, puller = stack.enter_context(process(push)), stack.enter_context(process(pull))
        yield Bare(pusher, puller, puller.recv())
