"""Sockets that connect and send."""

import asyncio
from contextlib import suppress

import zmq

from telemetry_runtime.channels import Frames
from telemetry_runtime.errors import StartupError
from telemetry_runtime.transport.curve import CurveClient
from telemetry_runtime.transport.handshakes import FailedHandshake, HandshakeMonitor
from telemetry_runtime.transport.sockets import NOBLOCK, BaseSocket, checked, why

_SEND_MORE = int(zmq.SNDMORE) | NOBLOCK

_COPIED_BYTES = 64 * 1024
"""A shorter frame is copied when it is sent: that costs less than to share it with the I/O thread."""

TRY_AGAIN_S = 1.0
"""Time until the next try at a peer that speaks otherwise: no keys where we have some, or no ZeroMQ at all."""


class _Push(BaseSocket):
    """A connected PUSH socket."""

    def __init__(
        self,
        endpoint: str,
        *,
        high_water_mark: int = 1_000,
        setting: str = "the endpoint",
        curve: CurveClient | None = None,
    ) -> None:
        super().__init__(zmq.PUSH, endpoint, curve)
        self._socket.setsockopt(zmq.SNDHWM, high_water_mark)
        self._retry: asyncio.TimerHandle | None = None
        self._monitor = self._handshakes = HandshakeMonitor(self._socket, self._on_failed_handshake)
        try:
            self._socket.connect(checked(endpoint))
        except zmq.ZMQError as error:
            self._end_monitor()
            self._socket.close(linger=0)
            raise StartupError(f"cannot connect to {endpoint}: {why(error, endpoint)}; check {setting}") from error

    def _on_failed_handshake(self, failure: FailedHandshake) -> None:
        # After a final one libzmq would stay silent for ever, even when the peer comes back with the right keys.
        if failure.is_final and self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._connect_again)

    def _connect_again(self) -> None:
        self._retry = None
        if not self._socket.closed:
            with suppress(zmq.ZMQError):  # it has forgotten the endpoint already
                self._socket.disconnect(self._endpoint)
            self._handshakes.forget()
            self._socket.connect(self._endpoint)

    def _end_monitor(self) -> None:
        super()._end_monitor()
        if self._retry is not None:
            self._retry.cancel()

    def _try_send(self, frames: Frames) -> bool:
        send, last = self._socket.send, frames[-1]
        try:
            for frame in frames[:-1]:
                send(frame, _SEND_MORE)
            # Once the first part was taken the others are: a message is queued whole or not at all.
            send(last, NOBLOCK, len(last) < _COPIED_BYTES)
        except zmq.Again:
            return False
        return True


class PushSink(_Push):
    """A connected PUSH socket that waits when its queue is full: nothing is lost, the caller slows down."""

    def try_send(self, frames: Frames) -> bool:
        """Whether the message went into the queue; if not, nothing happened."""
        return self._try_send(frames)

    async def writable(self) -> None:
        """Returns when it is worth trying again after a failed `try_send`."""
        await self._readiness.wait()

    async def send(self, frames: Frames) -> None:
        """Returns when the message is in the queue."""
        while not self._try_send(frames):
            # Cancelled here the message was not sent, and the caller knows: send did not return.
            await self._readiness.wait()


class DroppingSink(_Push):
    """A connected PUSH socket that drops what its full queue cannot take, and counts it."""

    def __init__(
        self,
        endpoint: str,
        *,
        high_water_mark: int = 16,
        setting: str = "the endpoint",
        curve: CurveClient | None = None,
    ) -> None:
        super().__init__(endpoint, high_water_mark=high_water_mark, setting=setting, curve=curve)
        self.dropped_messages = 0
        # What may be missed must not hold up the end.
        self._socket.setsockopt(zmq.LINGER, 200)

    def offer(self, frames: Frames) -> bool:
        """Whether the message was taken."""
        taken = self._try_send(frames)
        self.dropped_messages += not taken
        return taken
