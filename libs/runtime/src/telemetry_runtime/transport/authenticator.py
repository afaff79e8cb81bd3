"""Which keys may connect where: answers libzmq's questions (ZAP, RFC 27) at each handshake of a socket with keys."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import structlog
import zmq
from zmq.utils import z85

from telemetry_runtime.refused_peers import RefusedPeers
from telemetry_runtime.transport.curve import KeyFolder
from telemetry_runtime.transport.readiness import SocketReadiness

_ADDRESS: Final = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
_ACCEPTED = b"200"
_REFUSED = b"300"
"""`Try later`: the connection ends without a word, and the peer goes on trying with its queue kept, so that it gets in
once its key is on the list. At 400 libzmq would give up for ever and drop what was queued."""

LOOKED_AT_AGAIN_S: Final = 1.0
"""The folders are read at a handshake, but not more often than this: nobody can make us read them all the time."""


class PeerAuthenticator:
    """Lets in whoever's key is in the folders of the endpoint's domain; all others are refused.

    A key that is added counts at the next handshake, one that is removed is refused from then on; a connection that is
    open stays until it ends. A folder that cannot be read holds no keys.

    Args:
        allowed: for each domain where its keys are.
        refused: for each domain where refusals are logged.
        monotonic_ns: monotonic time in nanoseconds.
    """

    def __init__(
        self,
        allowed: Mapping[str, Sequence[KeyFolder]],
        refused: Mapping[str, RefusedPeers],
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._allowed, self._refused, self._monotonic_ns = allowed, refused, monotonic_ns
        self._keys: dict[str, frozenset[bytes]] = {}
        self._faults: list[str] = []
        self._next_look_ns: int | None = None
        self._log = structlog.get_logger("keys")

    async def run(self) -> None:
        """Answers until it is cancelled; then, and before it was started, no new peer gets in."""
        while True:
            try:
                request = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                await self._readiness.wait()
                continue
            # Cancelled in here the question is lost, and the peer tries again after its time for a handshake.
            await self._look()
            self._socket.send_multipart(self._answer(request), zmq.NOBLOCK)

    async def _look(self) -> None:
        now_ns = self._monotonic_ns()
        if self._next_look_ns is None or now_ns >= self._next_look_ns:
            self._keys, faults = await asyncio.to_thread(self._read)
            self._next_look_ns = now_ns + round(LOOKED_AT_AGAIN_S * 1e9)
            if faults != self._faults:
                self._faults = faults
                self._log.warning("keys_not_usable", files=faults[:10], count=len(faults))

    def _read(self) -> tuple[dict[str, frozenset[bytes]], list[str]]:
        found, faults = dict[str, frozenset[bytes]](), list[str]()
        for domain, folders in self._allowed.items():
            read = [folder.keys() for folder in folders]
            found[domain] = frozenset().union(*(keys for keys, _ in read))
            faults += [fault for _, each in read for fault in each]
        return found, faults

    def _answer(self, request: list[bytes]) -> list[bytes]:
        _, request_id, domain, address, _, mechanism, *credentials = request
        known = self._keys.get(domain.decode(), frozenset())
        if mechanism == b"CURVE" and credentials[0] in known:
            return [_VERSION, request_id, _ACCEPTED, b"", b"", b""]
        refused = self._refused.get(domain.decode())
        if refused is not None and mechanism == b"CURVE":
            # The key is public: whoever is meant to get in is a line copied into a file away from it.
            refused.log("unknown_key", address=address.decode(), public_key=z85.encode(credentials[0]).decode())
        return [_VERSION, request_id, _REFUSED, b"", b"", b""]

    async def __aenter__(self) -> Self:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(_ADDRESS)
        self._readiness = SocketReadiness(self._socket, int(zmq.POLLIN))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readiness.close()
        self._socket.close()
