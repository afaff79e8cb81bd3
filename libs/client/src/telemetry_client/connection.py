"""A PUSH socket with a bounded queue: with `durable.link`, the only module of the client that knows ZeroMQ."""

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import zmq

from telemetry_client.errors import InvalidSettingError
from telemetry_schema import curve_key_in

Receipt = zmq.MessageTracker
"""Done when libzmq needs a frame no longer; its `wait` raises `NotDone` when it is not in time."""

NotDone = zmq.NotDone

_KEEPALIVE = {zmq.TCP_KEEPALIVE: 1, zmq.TCP_KEEPALIVE_IDLE: 10, zmq.TCP_KEEPALIVE_INTVL: 5, zmq.TCP_KEEPALIVE_CNT: 4}
"""A quiet ingest that vanished without a goodbye (a pulled cable) is noticed within half a minute. ZeroMQ's heartbeats
would also end a connection whose receiver does not read for a while, and lose what is on its way."""

_TIMER_SLACK_S = 0.005
"""ZeroMQ counts milliseconds by its own clock: a close that took all of its time but for this may have given up."""


MONITORED_EVENTS: Final = (
    zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)

_UNREAD_EVENTS = 100_000
"""Beyond so many the connection stands still until they are read; 2 are made by each try that is refused, ten tries a
second. Enough for the longest wait for room, in which nobody reads; 13 MB for a publisher that nobody uses."""

_MONITORED_EVERY = 4096
"""Messages after which the monitor is emptied, so that a connection that comes and goes for weeks fills nothing."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """Keys for an encrypted connection, 40 characters of Z85 each.

    `server` is ingest's public key. Without `public` and `secret` the client makes a pair of its own, which is enough
    for a server that does not know its clients by their keys; ingest does.
    """

    server: str
    public: str | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.public is None) != (self.secret is None):
            raise InvalidSettingError("the client's public and secret key go together: give both, or neither")

    @classmethod
    def from_files(cls, *, server: str | Path, secret: str | Path | None = None) -> Self:
        """The keys in files as `make keys` writes them: ingest's public key, and the client's secret one.

        Raises:
            InvalidSettingError: a file cannot be read or holds no key.
        """
        server_key = _key_in(server)
        if secret is None:
            return cls(server_key)
        secret_key = _key_in(secret)
        return cls(server_key, zmq.curve_public(secret_key.encode()).decode(), secret_key)


class Connection:
    """Connects at once, and again for as long as it is open; what is sent meanwhile waits in the queue.

    Safe to use from one thread at a time, in the process that made it.
    """

    def __init__(self, endpoint: str, *, max_queued_messages: int, curve: CurveKeys | None) -> None:
        self._pid = os.getpid()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._offered = 0
        self._is_answered = self._is_connected = False
        try:
            configure(self._socket, endpoint, max_queued_messages, curve)
            self._monitor = monitor_of(self._socket)
            self._socket.connect(endpoint)
        except (zmq.ZMQError, TypeError, ValueError, UnicodeError) as error:
            self._context.destroy(linger=0)
            raise InvalidSettingError(f"cannot connect to {endpoint!r}: {error}") from error

    @property
    def is_ours(self) -> bool:
        """Whether this process made it; a fork must leave it alone."""
        return os.getpid() == self._pid

    def is_connected(self) -> bool:
        """Whether a peer has completed the handshake and has not gone since, as far as is known."""
        self._follow_handshakes()
        return self._is_connected

    def offer(self, frame: bytes) -> bool:
        """Queues the frame if there is room; never waits."""
        try:
            self._socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            self._follow_handshakes()
            return False
        self._offered += 1
        if not self._offered % _MONITORED_EVERY:
            self._follow_handshakes()
        return True

    def offer_tracked(self, frame: bytes) -> Receipt | None:
        """Queues the frame if there is room; the tracker is done when libzmq has written it, or has dropped it.

        Written is: put into a buffer of up to 8 kB that is on its way. It has left when one more has been written.
        """
        part = zmq.Frame(frame, track=True, copy=False)
        try:
            self._socket.send(part, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return None
        self._offered += 1
        tracker: Receipt = part.tracker
        return tracker

    def wait_for_room(self, wait_s: float) -> bool:
        """Waits at most so long, in whole milliseconds, until the queue has room.

        ZeroMQ reports room in a queue that was full once half of it has gone out.
        """
        return bool(self._socket.poll(int(wait_s * 1000), zmq.POLLOUT))

    def offer_within(self, frame: bytes, wait_s: float) -> bool:
        """Queues the frame as soon as there is room, for at most so long; whether there was."""
        if not self.is_ours or self._socket.closed:
            return False
        return self.offer(frame) or (self.wait_for_room(wait_s) and self.offer(frame))

    def close(self, linger_s: float) -> bool:
        """Sends what is queued for at most so long; whether certainly all of it went out to an ingest.

        Does nothing in a fork, and nothing the second time.
        """
        if not self.is_ours or self._socket.closed:
            return False
        deadline_s = time.monotonic() + linger_s
        # A peer that is no ingest (an HTTP port, other keys) lets libzmq drop what was queued for it, without a word.
        is_answered = self._offered == 0 or self._wait_for_answer(deadline_s)
        # While libzmq's thread waits for us to read its events, `disable_monitor` would wait for that thread.
        self._follow_handshakes()
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        started_s, left_s = time.monotonic(), max(0.0, deadline_s - time.monotonic())
        self._socket.close(linger=round(left_s * 1000))
        self._context.term()
        all_sent = self._offered == 0 or time.monotonic() - started_s < left_s - _TIMER_SLACK_S
        return is_answered and all_sent

    def _wait_for_answer(self, deadline_s: float) -> bool:
        """Whether a peer has completed the handshake by then: one that speaks ZeroMQ, pulls, and knows our keys."""
        self._follow_handshakes()
        while not self._is_answered:
            if not self._monitor.poll(int(max(0.0, deadline_s - time.monotonic()) * 1000)):
                return False
            self._follow_handshakes()
        return True

    def _follow_handshakes(self) -> None:
        """Takes in what the monitor has reported: the last handshake counts."""
        with suppress(zmq.Again):
            while True:
                event = int.from_bytes(self._monitor.recv_multipart(zmq.NOBLOCK)[0][:2], sys.byteorder)
                self._is_connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
                if event != zmq.EVENT_DISCONNECTED:
                    self._is_answered = self._is_connected


def monitor_of(socket: "zmq.Socket[bytes]", events: int = MONITORED_EVENTS) -> "zmq.Socket[bytes]":
    """A socket that receives the events of another one."""
    address = f"inproc://monitor-{int(socket.getsockopt(zmq.FD))}"
    socket.monitor(address, events)
    monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
    # Before the two are connected: pyzmq's own `get_monitor_socket` leaves it at 2,000.
    monitor.setsockopt(zmq.RCVHWM, _UNREAD_EVENTS)
    monitor.connect(address)
    return monitor


def _key_in(path: str | Path) -> str:
    try:
        return curve_key_in(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSettingError(f"{path}: {error}") from error


def configure(socket: "zmq.Socket[bytes]", endpoint: str, max_queued_messages: int, curve: CurveKeys | None) -> None:
    """Sets the options that all sockets of the client have."""
    socket.setsockopt(zmq.SNDHWM, max_queued_messages)
    # Only for an IPv6 address: with it, a name like localhost would no longer be looked for under IPv4.
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    for option, value in _KEEPALIVE.items():
        socket.setsockopt(option, value)
    if curve is not None:
        public, secret = _client_keys(curve)
        socket.setsockopt(zmq.CURVE_SERVERKEY, curve.server.encode("ascii"))
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)


def _client_keys(curve: CurveKeys) -> tuple[bytes, bytes]:
    """Public and secret key of the client."""
    if curve.public is None or curve.secret is None:
        return zmq.curve_keypair()
    return curve.public.encode("ascii"), curve.secret.encode("ascii")
