"""Failed handshakes of a socket, as libzmq's monitor reports them."""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

import zmq

from telemetry_runtime.refused_peers import RefusedReason

_REASONS: Final[dict[int, RefusedReason]] = {
    int(zmq.EVENT_HANDSHAKE_FAILED_AUTH): "unknown_key",
    int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL): "protocol",
    int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL): "no_handshake",
}


class HandshakeMonitor:
    """Calls back for each handshake that fails, from the event loop, once `start` was called in it.

    Nothing is asked of libzmq for messages, and nothing is reported of connections that work.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", on_failure: Callable[[RefusedReason], None]) -> None:
        self._socket, self._on_failure = socket, on_failure
        self._monitor = socket.get_monitor_socket(sum(_REASONS))
        self._fd = int(self._monitor.getsockopt(zmq.FD))
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Follows from now on, beginning with what was reported before."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._fd, self._drain)
            self._drain()

    def _drain(self) -> None:
        # The descriptor reports changes only: all must be taken, else the next one is not reported.
        while True:
            try:
                event = self._monitor.recv_multipart(zmq.NOBLOCK)[0]
            except zmq.Again:
                return
            reason = _REASONS.get(int.from_bytes(event[:2], sys.byteorder))
            if reason is not None:
                self._on_failure(reason)

    def close(self) -> None:
        """Ends it; to be called before the socket closes."""
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
