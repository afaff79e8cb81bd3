"""What sockets that bind share: the endpoint they got, and the count of peers whose handshake fails."""

import zmq

from telemetry_runtime.errors import StartupError
from telemetry_runtime.refused_peers import HINTS, RefusedPeers
from telemetry_runtime.transport.handshakes import FailedHandshake, HandshakeMonitor
from telemetry_runtime.transport.sockets import BaseSocket, checked, why


class BoundSocket(BaseSocket):
    """A socket that binds once its options are set."""

    _refused: RefusedPeers | None = None

    def _bind(self, setting: str, refused: RefusedPeers | None) -> None:
        """Binds to the endpoint.

        Args:
            setting: the environment variable to name in an error.
            refused: counts the peers whose handshake fails.

        Raises:
            StartupError: the endpoint is taken or is no endpoint; the socket is closed.
        """
        self._refused = refused
        self._monitor = None if refused is None else HandshakeMonitor(self._socket, self._count_refused)
        try:
            self._socket.bind(checked(self._endpoint))
        except zmq.ZMQError as error:
            self._end_monitor()
            self._socket.close(linger=0)
            msg = f"cannot listen on {self._endpoint}: {why(error, self._endpoint)}; set {setting} to another one"
            raise StartupError(msg) from error
        self._endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def _count_refused(self, failure: FailedHandshake) -> None:
        if self._refused is not None:
            self._refused.count(failure.reason)
            if hint := HINTS.get(failure.reason):  # of an unknown key the authenticator logs it: it knows the key
                self._refused.log(failure.reason, hint=hint)
