"""What libzmq reports of the peers of a connecting socket."""

from typing import Final

import zmq

MONITORED_EVENTS: Final = (
    zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)

_FINAL_EVENTS: Final = frozenset({int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL), int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)})

_UNREAD_EVENTS = 100_000
"""Beyond so many the connection stands still until they are read; 2 are made by each try that is refused, ten tries a
second. Enough for the longest wait for room, in which nobody reads; 13 MB for a publisher that nobody uses."""


class Handshakes:
    """What the events of a connecting socket, in their order, say of its peer.

    A handshake that fails ends in one of three ways, and after two of them libzmq leaves it at that, drops what is
    queued, and takes nothing more, even when the peer comes right (other keys, the other program gone):

        HANDSHAKE_FAILED_NO_DETAIL ──▶ DISCONNECTED     the peer has gone: libzmq goes on trying, its queue kept
        HANDSHAKE_FAILED_PROTOCOL, …_AUTH ──▶ DISCONNECTED      given up: keys on one side only, a refusal
        DISCONNECTED alone                                      given up: a socket that does not pull, an HTTP port
    """

    def __init__(self) -> None:
        self.is_connected = False
        """Whether a peer has completed the handshake, and has not gone since."""
        self.is_answered = False
        """Whether the last handshake that ended was completed; the peer may have gone since."""
        self.is_given_up = False
        """Whether libzmq does not try again by itself."""
        self._last: int | None = None

    def take(self, event: int) -> None:
        """Takes in the next event."""
        is_silent_end = event == zmq.EVENT_DISCONNECTED and self._last in {None, event}
        self._last = event
        self.is_connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
        if is_silent_end or event != zmq.EVENT_DISCONNECTED:
            self.is_answered = self.is_connected
        self.is_given_up |= is_silent_end or event in _FINAL_EVENTS

    def begin_again(self) -> None:
        """There is a new connection; the one that it replaces ended before, or ends without an event."""
        self.is_given_up = False


def monitor_of(socket: "zmq.Socket[bytes]", events: int = MONITORED_EVENTS) -> "zmq.Socket[bytes]":
    """A socket that receives the events of another one.

    The runtime has its own: neighbours share the schema alone, and that knows no ZeroMQ.
    """
    address = f"inproc://monitor-{int(socket.getsockopt(zmq.FD))}"
    socket.monitor(address, events)
    monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
    # Before the two are connected: pyzmq's own `get_monitor_socket` leaves it at 2,000.
    monitor.setsockopt(zmq.RCVHWM, _UNREAD_EVENTS)
    monitor.connect(address)
    return monitor
