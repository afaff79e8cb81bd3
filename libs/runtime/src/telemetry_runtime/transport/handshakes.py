"""Failed handshakes of a socket, as libzmq's monitor reports them, and those that it does not report.

A handshake ends in one of four ways:

    ACCEPTED or CONNECTED ──┬── HANDSHAKE_SUCCEEDED ─── ··· ─── DISCONNECTED
                            ├── HANDSHAKE_FAILED_… ──────────── DISCONNECTED
                            ├── DISCONNECTED                           the silent end: a socket of the wrong type, ···
                            └── nothing, for HANDSHAKE_IVL, then one of the above

Which of two ends notices a wrong type first is chance: some of these are reported as failed, and some are silent.
Only the first and the last event say which connection they are of. So silent ends are found by their number: of the
connections that began, those that did not succeed, did not fail, and cannot be at it any more.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

import zmq

from telemetry_runtime.refused_peers import RefusedReason

HANDSHAKE_MS = 5_000
"""A peer that has not completed its handshake by then is let go, so that half-open connections do not pile up."""

DECIDED_AFTER_S: Final = HANDSHAKE_MS / 1000 + 1.0
"""Then every handshake has ended, and libzmq's thread has reported it."""

_REASONS: Final[dict[int, RefusedReason]] = {
    int(zmq.EVENT_HANDSHAKE_FAILED_AUTH): "unknown_key",
    int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL): "protocol",
    int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL): "no_handshake",
}
_BEGINS: Final = frozenset({int(zmq.EVENT_ACCEPTED), int(zmq.EVENT_CONNECTED)})
_SUCCEEDED: Final = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_ENDED: Final = int(zmq.EVENT_DISCONNECTED)
_EVENTS: Final = sum(_REASONS) + sum(_BEGINS) + _SUCCEEDED + _ENDED


class FailedHandshake(NamedTuple):
    """Why a peer did not get in, and whether libzmq leaves it at that, where it was us who connected."""

    reason: RefusedReason
    is_final: bool


class HandshakeTally:
    """Finds the silent ends of handshakes by counting the others. Pure."""

    def __init__(self) -> None:
        self._undecided = 0
        """Connections that began, less handshakes that ended."""
        self._young: dict[int, float] = {}
        """When each open connection began that may still be at its handshake, by file descriptor, the oldest first."""

    def began(self, fd: int, now_s: float) -> None:
        """A connection was made."""
        self._undecided += 1
        self._young.pop(fd, None)
        self._young[fd] = now_s

    def decided(self) -> None:
        """A handshake succeeded, or was reported as failed; of which connection is not known."""
        self._undecided -= 1

    def ended(self, fd: int) -> None:
        """A connection ended; its handshake has, too."""
        self._young.pop(fd, None)

    def silent_ends(self, now_s: float) -> int:
        """Handshakes that certainly ended without a word since the last call."""
        while self._young and now_s - next(iter(self._young.values())) >= DECIDED_AFTER_S:
            del self._young[next(iter(self._young))]
        silent = max(0, self._undecided - len(self._young))
        self._undecided -= silent
        if not self._young:
            self._undecided = 0
        return silent

    @property
    def is_waiting(self) -> bool:
        """Whether time alone may bring another silent end to light."""
        return self._undecided > 0


class HandshakeMonitor:
    """Calls back for each handshake that fails, from the event loop, once `start` was called in it.

    Nothing is asked of libzmq for messages, and nothing is reported of connections that work.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", on_failure: Callable[[FailedHandshake], None]) -> None:
        self._socket, self._on_failure = socket, on_failure
        self._tally = HandshakeTally()
        self._timer: asyncio.TimerHandle | None = None
        self._monitor = monitor_of(socket, _EVENTS, unread_events=0)
        self._fd = int(self._monitor.getsockopt(zmq.FD))
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Follows from now on, beginning with what was reported before."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._fd, self._follow, self._loop)
            self._follow(self._loop)

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        self._drain(now_s)
        for _ in range(self._tally.silent_ends(now_s)):
            self._on_failure(FailedHandshake("no_handshake", is_final=True))
        if self._tally.is_waiting and self._timer is None:
            self._timer = loop.call_later(DECIDED_AFTER_S, self._look_again, loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._follow(loop)

    def _drain(self, now_s: float) -> None:
        # The descriptor reports changes only: all must be taken, else the next one is not reported.
        while True:
            try:
                event = self._monitor.recv_multipart(zmq.NOBLOCK)[0]
            except zmq.Again:
                return
            self._take(int.from_bytes(event[:2], sys.byteorder), int.from_bytes(event[2:6], sys.byteorder), now_s)

    def _take(self, kind: int, value: int, now_s: float) -> None:
        reason = _REASONS.get(kind)
        if kind in _BEGINS:
            self._tally.began(value, now_s)
        elif kind == _ENDED:
            self._tally.ended(value)
        elif reason is not None:
            self._tally.decided()
            # libzmq tries again by itself only after `no_handshake`.
            self._on_failure(FailedHandshake(reason, is_final=reason != "no_handshake"))
        else:
            self._tally.decided()

    def forget(self) -> None:
        """Starts anew, as connections that we end ourselves end without an event."""
        self._tally = HandshakeTally()

    def close(self) -> None:
        """Ends it; to be called before the socket closes."""
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        self._socket.disable_monitor()
        self._monitor.close(linger=0)


def monitor_of(socket: "zmq.Socket[bytes]", events: int, *, unread_events: int) -> "zmq.Socket[bytes]":
    """A socket that receives the events of another one; so many may be unread, or any number at 0.

    Beyond that libzmq's thread would wait for us in the middle of its work, and no connection would go on. pyzmq's own
    `get_monitor_socket` leaves it at 2,000, as the limit is to be set before the two are connected.

    The client has its own: neighbours share the schema alone, and that knows no ZeroMQ.
    """
    address = f"inproc://monitor-{int(socket.getsockopt(zmq.FD))}"
    socket.monitor(address, events)
    monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
    monitor.setsockopt(zmq.RCVHWM, unread_events)
    monitor.connect(address)
    return monitor
