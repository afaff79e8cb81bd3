"""A socket that binds and answers each peer: acknowledgements for clients."""

import zmq

from telemetry_runtime.refused_peers import RefusedPeers
from telemetry_runtime.transport.bound import BoundSocket
from telemetry_runtime.transport.curve import CurveServer
from telemetry_runtime.transport.sockets import NOBLOCK

MAX_REQUESTS = 64
"""Requests taken at once."""

_PARTS = 2
"""The name of the peer's connection, which libzmq adds, and one frame."""


class RouterChannel(BoundSocket):
    """A bound ROUTER socket; a peer sends and gets messages of one frame, others are dropped.

    It is bounded in all directions: libzmq takes `queue_length` requests of each peer and holds as many answers for it;
    a peer that does not read them gets no more, and one that floods waits in its own queue.

    Args:
        endpoint: where to bind.
        max_frame_bytes: a longer request ends its connection.
        queue_length: requests, and answers, that are held for each peer.
        setting: the environment variable to name in an error.
        curve: own key, if peers must have one too.
        refused: counts the peers whose handshake fails.

    Raises:
        StartupError: the endpoint is taken or is no endpoint.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        max_frame_bytes: int,
        queue_length: int = 32,
        setting: str = "the endpoint",
        curve: CurveServer | None = None,
        refused: RefusedPeers | None = None,
    ) -> None:
        super().__init__(zmq.ROUTER, endpoint, curve)
        self._socket.setsockopt(zmq.RCVHWM, queue_length)
        self._socket.setsockopt(zmq.SNDHWM, queue_length)
        self._socket.setsockopt(zmq.MAXMSGSIZE, max_frame_bytes)
        self._socket.setsockopt(zmq.LINGER, 0)
        # An answer that cannot be sent raises, so that we know; else it would be dropped without a word.
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._bind(setting, refused)

    async def receive(self) -> list[tuple[bytes, bytes]]:
        """The next requests, at least one, each with its peer; empty when the socket was closed."""
        while not self._socket.closed:
            if requests := self._take():
                return requests
            # Cancelled here nothing is lost: what comes is still in the socket.
            await self._readiness.wait()
        return []

    def _take(self) -> list[tuple[bytes, bytes]]:
        requests: list[tuple[bytes, bytes]] = []
        try:
            for _ in range(MAX_REQUESTS):
                parts = self._socket.recv_multipart(NOBLOCK)
                if len(parts) == _PARTS:
                    requests.append((parts[0], parts[1]))
        except zmq.Again:
            pass
        return requests

    def answer(self, peer: bytes, frame: bytes) -> bool:
        """Whether the answer is on its way; if not, the peer has gone, or reads too slowly."""
        try:
            self._socket.send_multipart([peer, frame], NOBLOCK)
        except zmq.ZMQError:
            return False
        return True
