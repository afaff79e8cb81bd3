"""A sender: one process that sends its share of the trades when they are due, and measures how late it was.

A message that cannot go out (ingest pushes back) waits and so do all behind it; their latency counts from when they
were due, so a stall shows in full.
"""

import signal
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray

import numpy as np
import zmq

from loadtest.frames import ColumnFrames, Encoder, MadeUpMarket, SingleFrames
from loadtest.latency import LatencyCounts
from loadtest.options import Load
from loadtest.schedule import Ints, schedule

_GROUP = 32
"""Messages sent between two looks at the clock. The last look counts for all, so lateness is never understated."""

_STALL_MS = 100
"""A send that is pushed back looks this often whether it should stop."""

_LOOKS_A_TRY = 10
"""A second: after so many looks that found no peer it is connected to anew."""

_LINGER_MS = 10_000
"""How long the end waits for what ingest has not taken yet."""

_HIGH_WATER_MARK = 1_000
"""Messages queued in the sender, ZeroMQ's default."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one sender does. `arrivals_ns` are those of the recording, for bursts."""

    number: int
    endpoint: str
    source: str
    run: str
    load: Load
    arrivals_ns: Ints | None


@dataclass(slots=True)
class Second:
    """How late messages were in one second of the run, in milliseconds."""

    second: int
    messages: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(slots=True)
class Sent:
    """What one sender has done. `lateness` is due→sent; `cpu_s` its processor time while sending, in seconds."""

    source: str
    trades: int = 0
    messages: int = 0
    began_ns: int = 0
    ended_ns: int = 0
    cpu_s: float = 0.0
    lateness: LatencyCounts = field(default_factory=LatencyCounts)
    seconds: list[Second] = field(default_factory=list)


def send_share(
    share: Share, pipe: "Connection[Sent | None, int]", progress: "SynchronizedArray[int]", stop: "Synchronized[int]"
) -> None:
    """A sender process: reports when it is connected, waits for its start time, returns what it has done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent says `stop` instead
    context = zmq.Context()
    socket = connect(context, share.endpoint)
    sender = Sender(socket, share, progress, stop)
    wait_connected(socket, share.endpoint, lambda: bool(stop.value))
    try:
        pipe.send(None)
        sender.run(pipe.recv())
    except EOFError:
        return  # the load test ended before it began
    finally:
        socket.close(_LINGER_MS)
        context.term()
    pipe.send(sender.sent)


def connect(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str) -> "zmq.Socket[bytes]":
    """A PUSH socket that queues only for a peer that is there."""
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.SNDTIMEO, _STALL_MS)
    socket.connect(endpoint)
    return socket


def wait_connected(socket: "zmq.Socket[bytes]", endpoint: str, is_stopped: Callable[[], bool]) -> None:
    """Returns once a peer is there, or it was stopped.

    libzmq tries a peer that turns out to be none (another program at the address) only once: it is connected to anew.
    """
    for looks in count(1):
        if socket.poll(_STALL_MS, zmq.POLLOUT) or is_stopped():
            return
        if not looks % _LOOKS_A_TRY:
            with suppress(zmq.ZMQError):  # it has forgotten the endpoint already
                socket.disconnect(endpoint)
            socket.connect(endpoint)


class Sender:
    """Sends a share; `progress` shows the trades sent so far, `stop` ends it early."""

    def __init__(
        self, socket: "zmq.Socket[bytes]", share: Share, progress: "SynchronizedArray[int]", stop: "Synchronized[int]"
    ) -> None:
        self._socket, self._share, self._progress, self._stop = socket, share, progress, stop
        load = share.load
        market = MadeUpMarket.made_up(load.symbols, load.seed)
        self._encoder: Encoder = (
            SingleFrames(share.source, share.run, market)
            if load.form == "single"
            else ColumnFrames(share.source, share.run, market, load.batch)
        )
        self._second = 0
        self._late: list[int] = []
        self.sent = Sent(share.source)

    def run(self, start_ns: int) -> None:
        """Sends everything, the first message at `start_ns` (epoch ns)."""
        load = self._share.load
        rate = load.rate / load.senders / load.trades_a_message
        # Senders share the schedule by turns: each begins a part of its gap later than the one before.
        start_ns += round(1e9 / rate * self._share.number / load.senders) if load.shape == "constant" else 0
        pieces = schedule(
            load.shape,
            rate,
            duration_s=load.duration_s,
            seed=load.seed + self._share.number,
            arrivals_ns=self._share.arrivals_ns,
        )
        began_s = time.process_time()
        self.sent.began_ns = start_ns
        self._send_pieces(start_ns + piece for piece in pieces)
        self.sent.ended_ns = time.time_ns()
        self.sent.cpu_s = time.process_time() - began_s
        self._close_second()

    def _send_pieces(self, pieces: Iterable[Ints]) -> None:
        for due_ns in pieces:
            frames = self._encoder.encode(self.sent.trades, due_ns)
            if not self._send_piece(due_ns.tolist(), frames):
                return

    def _send_piece(self, due_ns: list[int], frames: list[bytes]) -> bool:
        first = 0
        while first < len(frames):
            now_ns = time.time_ns()
            last = bisect_right(due_ns, now_ns, first, min(first + _GROUP, len(frames)))
            if first == last:
                time.sleep((due_ns[first] - now_ns) / 1e9)
                continue
            if not self._send_all(frames[first:last]):
                return False
            self._note(due_ns[first:last])
            first = last
            if self._stop.value:
                return False
        return True

    def _send_all(self, frames: list[bytes]) -> bool:
        """Whether all were sent; if it was stopped early, those that were sent are counted."""
        send = self._socket.send
        for done, frame in enumerate(frames):
            while True:
                try:
                    send(frame)
                    break
                except zmq.Again:
                    if self._stop.value:
                        self._count(done)
                        return False
        self._count(len(frames))
        return True

    def _count(self, messages: int) -> None:
        self.sent.messages += messages
        self.sent.trades += messages * self._share.load.trades_a_message
        self._progress[self._share.number] = self.sent.trades

    def _note(self, due_ns: list[int]) -> None:
        """Takes note of how late these were."""
        now_ns = time.time_ns()
        second = (now_ns - self.sent.began_ns) // 1_000_000_000
        if second != self._second:
            self._close_second()
            self._second = second
        self._late += [now_ns - due for due in due_ns]

    def _close_second(self) -> None:
        if not self._late:
            return
        late = np.array(self._late, np.int64)
        self._late = []
        self.sent.lateness.add(late)
        p50, p99, most = (np.percentile(late, [50, 99, 100]) / 1e6).tolist()
        self.sent.seconds.append(Second(self._second, late.size, p50, p99, most))
