"""What sockets of every kind share: options, keys, the end, and what an error means."""

import errno
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from telemetry_runtime.transport.curve import CurveClient, CurveServer
from telemetry_runtime.transport.handshakes import HANDSHAKE_MS, HandshakeMonitor
from telemetry_runtime.transport.readiness import SocketReadiness
from telemetry_schema import MAX_FRAME_BYTES, MAX_VIEW_BYTES, NO_ENDPOINT, endpoint_fault

LINGER_MS = 2_000
"""How long closing waits for what is still queued: long enough for a loaded loopback, short enough for a stop."""

MAX_WIRE_BYTES = 2 * MAX_VIEW_BYTES
"""A frame longer than this ends its connection inside libzmq, without a word. So it is twice what the schema accepts:
one that is a little too long is refused with a reason. How many frames a message has it does not bound: what bounds a
hostile message of many is the container's memory."""

MAX_EDGE_WIRE_BYTES = 3 * MAX_FRAME_BYTES
"""The same for frames of clients."""

NOBLOCK = int(zmq.NOBLOCK)
"""As a plain number: pyzmq's enum is converted anew in every call."""


class BaseSocket:
    """What both kinds share: a socket with its options, closed once, with a finite linger."""

    def __init__(self, kind: int, endpoint: str, curve: CurveServer | CurveClient | None) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self._endpoint = endpoint
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        # Only for an IPv6 address: with it, a name like localhost would no longer be looked for under IPv4. What is
        # bound to `[::]` takes both.
        self._socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        # A quiet peer that vanished without a goodbye (a pulled cable) is noticed within half a minute. By TCP, not by
        # ZeroMQ's heartbeats: their answers stand in line behind the messages, so a receiver that does not read for
        # longer than the timeout, as backpressure means it to, would end the connection and lose what is on its way.
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 10)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 5)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 4)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._secure(curve)
        self._readiness = SocketReadiness(
            self._socket, int(zmq.POLLIN if kind in {zmq.PULL, zmq.ROUTER} else zmq.POLLOUT)
        )

    _monitor: HandshakeMonitor | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint; with the real port where it was bound to a free one (`tcp://127.0.0.1:*`)."""
        return self._endpoint

    def _secure(self, curve: CurveServer | CurveClient | None) -> None:
        if isinstance(curve, CurveServer):
            self._socket.curve_server = True
            self._socket.curve_secretkey = curve.secret_key
            if curve.domain:
                self._socket.setsockopt(zmq.ZAP_DOMAIN, curve.domain.encode())
                # Nobody gets in while no authenticator is there to ask.
                self._socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        elif isinstance(curve, CurveClient):
            self._socket.curve_serverkey = curve.server_key
            self._socket.curve_publickey = curve.public_key
            self._socket.curve_secretkey = curve.secret_key

    def close(self) -> None:
        """Closes the socket; what is queued to be sent still goes out, for at most `LINGER_MS`."""
        if not self._socket.closed:
            self._end_monitor()
            self._readiness.close()
            self._socket.close()

    def _end_monitor(self) -> None:
        if self._monitor is not None:
            self._monitor.close()

    async def __aenter__(self) -> Self:
        if self._monitor is not None:
            self._monitor.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def local_endpoint(directory: Path, name: str) -> str:
    """Where two processes of one service meet: a socket file in `directory`.

    On a platform that has no such files it is a free port of the loopback address.
    """
    if zmq.has("ipc"):
        return f"ipc://{directory / name}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def checked(endpoint: str) -> str:
    """The endpoint; raises `ZMQError` also where libzmq would take it for another one."""
    if endpoint_fault(endpoint):
        raise zmq.ZMQError(zmq.EINVAL)
    return endpoint


def why(error: zmq.ZMQError, endpoint: str) -> str:
    """What was wrong with an endpoint, in words."""
    known = {
        zmq.EADDRINUSE: "the address is in use",
        zmq.EADDRNOTAVAIL: "this machine has no such address",
        zmq.EINVAL: endpoint_fault(endpoint) or NO_ENDPOINT,
        zmq.EPROTONOSUPPORT: NO_ENDPOINT,
        errno.ENODEV: "this machine has no such interface",
    }
    return known.get(error.errno or 0, str(error))
