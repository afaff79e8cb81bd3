"""A PUSH socket with a bounded queue: the only module of the client that knows ZeroMQ."""

import os
import time
from dataclasses import dataclass, field

import zmq

from telemetry_client.errors import InvalidSettingError

_KEEPALIVE = {zmq.TCP_KEEPALIVE: 1, zmq.TCP_KEEPALIVE_IDLE: 10, zmq.TCP_KEEPALIVE_INTVL: 5, zmq.TCP_KEEPALIVE_CNT: 4}
"""A quiet ingest that vanished without a goodbye (a pulled cable) is noticed within half a minute. ZeroMQ's heartbeats
would also end a connection whose receiver does not read for a while, and lose what is on its way."""

_TIMER_SLACK_S = 0.005
"""ZeroMQ counts milliseconds by its own clock: a close that took all of its time but for this may have given up."""


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """Keys for an encrypted connection, 40 characters of Z85 each.

    `server` is ingest's public key. Without `public` and `secret` the client makes a pair of its own, which is enough
    unless ingest knows its clients by their keys.
    """

    server: str
    public: str | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.public is None) != (self.secret is None):
            raise InvalidSettingError("the client's public and secret key go together: give both, or neither")


class Connection:
    """Connects at once, and again for as long as it is open; what is sent meanwhile waits in the queue.

    Safe to use from one thread at a time, in the process that made it.
    """

    def __init__(self, endpoint: str, *, max_queued_messages: int, curve: CurveKeys | None) -> None:
        self._pid = os.getpid()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        try:
            _configure(self._socket, max_queued_messages, curve)
            self._socket.connect(endpoint)
        except (zmq.ZMQError, TypeError, ValueError, UnicodeError) as error:
            self._context.destroy(linger=0)
            raise InvalidSettingError(f"cannot connect to {endpoint!r}: {error}") from error

    def offer(self, frame: bytes) -> bool:
        """Queues the frame if there is room; never waits."""
        try:
            self._socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def wait_for_room(self, wait_s: float) -> bool:
        """Waits at most so long, in whole milliseconds, until the queue has room.

        ZeroMQ reports room in a queue that was full once half of it has gone out.
        """
        return bool(self._socket.poll(int(wait_s * 1000), zmq.POLLOUT))

    def close(self, linger_s: float) -> bool:
        """Sends what is queued for at most so long; whether certainly all of it went out. Does nothing in a fork."""
        if os.getpid() != self._pid:
            return False
        started_s = time.monotonic()
        self._socket.close(linger=round(linger_s * 1000))
        self._context.term()
        return time.monotonic() - started_s < linger_s - _TIMER_SLACK_S


def _configure(socket: "zmq.Socket[bytes]", max_queued_messages: int, curve: CurveKeys | None) -> None:
    socket.setsockopt(zmq.SNDHWM, max_queued_messages)
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
