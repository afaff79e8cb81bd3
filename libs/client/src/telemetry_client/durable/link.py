"""The sockets of a durable client: PUSH for what it sends, DEALER for acknowledgements.

The PUSH never connects again by itself: libzmq would go on in its queue where the connection broke, and what was on its
way would be missing in between. A new connection is two new sockets, and begins with what is not acknowledged.
"""

import os
import sys
import time
from contextlib import suppress
from typing import Final

import zmq

from telemetry_client.checks import check_endpoint
from telemetry_client.connection import configure
from telemetry_client.curve_keys import CurveKeys
from telemetry_client.errors import InvalidSettingError
from telemetry_client.handshakes import MONITORED_EVENTS, monitor_of

MAX_QUEUED: Final = 10_000
"""Messages in libzmq's queue: more than may be in flight, so that whoever sends is not woken for each half of it."""

ANSWER_WITHIN_S: Final = 5.0
"""A connection that is not made by then is tried again."""

_MAX_ACK_BYTES: Final = 4096


class Link:
    """Two sockets to one ingest, made anew for each connection.

    `offer` and `connect` are to be called under one lock; `wait`, `ask` and the rest by one thread.

    Raises:
        InvalidSettingError: an endpoint is none, a key is no key, or there are no file descriptors left.
    """

    def __init__(self, endpoint: str, acks_endpoint: str, curve: CurveKeys | None) -> None:
        self._endpoint, self._acks_endpoint, self._curve = endpoint, acks_endpoint, curve
        # A write to the pipe wakes the thread: it polls the other end together with its sockets.
        self._wake_read, self._wake_write, self._context = _pipe_and_context(endpoint)
        self._push: zmq.Socket[bytes] | None = None
        self._others: list[zmq.Socket[bytes]] = []
        """The DEALER and the PUSH's monitor, as far as they were made."""
        self.is_connected = self.is_broken = False
        try:
            check_endpoint(endpoint)
            check_endpoint(acks_endpoint)
            self._open()
        except (zmq.ZMQError, TypeError, ValueError, UnicodeError) as error:
            self.close(0.0)
            raise InvalidSettingError(f"cannot connect to {endpoint!r} and {acks_endpoint!r}: {error}") from error
        self.disconnect()

    def connect(self) -> None:
        """Begins a connection; `is_connected` or `is_broken` says what came of it."""
        try:
            self._open()
        except zmq.ZMQError:  # out of file descriptors: tried again
            self.disconnect()

    def _open(self) -> None:
        self.disconnect()
        self.is_broken = False
        self._begun_s = time.monotonic()
        self._dealer = self._context.socket(zmq.DEALER)
        self._others.append(self._dealer)
        self._push = self._context.socket(zmq.PUSH)
        self._monitor = monitor_of(self._push, MONITORED_EVENTS | zmq.EVENT_CLOSED)
        self._others.append(self._monitor)
        configure(self._dealer, self._acks_endpoint, MAX_QUEUED, self._curve)
        configure(self._push, self._endpoint, MAX_QUEUED, self._curve)
        self._dealer.setsockopt(zmq.LINGER, 0)
        self._dealer.setsockopt(zmq.MAXMSGSIZE, _MAX_ACK_BYTES)
        self._dealer.setsockopt(zmq.IMMEDIATE, 1)
        self._push.setsockopt(zmq.RECONNECT_IVL, -1)
        # Where a connection breaks libzmq ends its part of the socket by the linger of that moment. By the default, for
        # ever, it would wait for the queue to go out over a connection that is never made again, and our end for it.
        self._push.setsockopt(zmq.LINGER, 0)
        self._dealer.connect(self._acks_endpoint)
        self._push.connect(self._endpoint)

    def disconnect(self, linger_s: float = 0.0) -> None:
        """Closes the sockets; what is queued still goes out for so long."""
        self.is_connected = False
        push, self._push = self._push, None
        if push is not None:
            push.disable_monitor()
            push.close(linger=round(linger_s * 1000))
        while self._others:
            self._others.pop().close(linger=0)

    @property
    def is_open(self) -> bool:
        """Whether there are sockets."""
        return self._push is not None

    def offer(self, frame: bytes) -> bool:
        """Queues a message if there is room; never waits."""
        if self._push is None:
            return False
        try:
            self._push.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def ask(self, frame: bytes) -> bool:
        """Sends a request for acknowledgements; False if nobody is there to take it."""
        try:
            self._dealer.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def wake(self) -> None:
        """Ends the wait; from any thread."""
        with suppress(BlockingIOError):  # a full pipe wakes it as well
            os.write(self._wake_write, b"x")

    def wait(self, wait_s: float, *, for_room: bool) -> list[bytes]:
        """Waits at most so long for anything, also for room to send; the acknowledgements that came."""
        poller = zmq.Poller()
        poller.register(self._wake_read, zmq.POLLIN)
        if self._push is not None:
            poller.register(self._dealer, zmq.POLLIN)
            poller.register(self._monitor, zmq.POLLIN)
            if for_room:
                poller.register(self._push, zmq.POLLOUT)
        poller.poll(max(0, round(wait_s * 1000)))
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        if self._push is None:
            return []
        self._follow_connection()
        return self._receive()

    def _follow_connection(self) -> None:
        with suppress(zmq.Again):
            while True:
                event = int.from_bytes(self._monitor.recv_multipart(zmq.NOBLOCK)[0][:2], sys.byteorder)
                self.is_connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
                self.is_broken = not self.is_connected
        if not self.is_connected and time.monotonic() - self._begun_s > ANSWER_WITHIN_S:
            self.is_broken = True

    def _receive(self) -> list[bytes]:
        acks: list[bytes] = []
        with suppress(zmq.Again):
            while True:
                acks.append(self._dealer.recv_multipart(zmq.NOBLOCK)[0])
        return acks

    def close(self, linger_s: float) -> None:
        """Closes all; what is queued still goes out for so long."""
        self.disconnect(linger_s)
        self._context.term()
        os.close(self._wake_read)
        os.close(self._wake_write)


def _pipe_and_context(endpoint: str) -> "tuple[int, int, zmq.Context[zmq.Socket[bytes]]]":
    """What a link needs before it has sockets; raises `InvalidSettingError` where there are no descriptors left."""
    ends: tuple[int, ...] = ()
    try:
        ends = read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        return read_end, write_end, zmq.Context()
    except (OSError, zmq.ZMQError) as error:
        for end in ends:
            os.close(end)
        raise InvalidSettingError(f"cannot connect to {endpoint!r}: {error.strerror}") from error
