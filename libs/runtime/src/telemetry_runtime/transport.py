"""ZeroMQ PUSH/PULL under asyncio: with `transport_sync`, the only module of the services that imports zmq.

The consumer binds (`PullSource`), the producer connects (`PushSink`, `DroppingSink`): start order does not matter.
What a sink does when its queue is full is its type: `PushSink.send` waits, `DroppingSink.offer` drops and counts.

The sockets are plain, not `zmq.asyncio`: one wait a burst on the socket's file descriptor, then everything that is
there is taken without waiting (ADR 3 has the figures).
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import zmq

from telemetry_runtime.channels import Burst, Frame, Frames
from telemetry_runtime.errors import StartupError

LINGER_MS = 2_000
"""How long closing waits for what is still queued: long enough for a loaded loopback, short enough for a stop."""

MAX_BURST_BYTES = 4 * 1024 * 1024
"""A burst ends with the frame that passes this, so that a few hundred large frames are not all held at once."""

MAX_WIRE_BYTES = 8 * 1024 * 1024
"""A frame longer than this ends its connection inside libzmq: the bound on memory that a hostile peer can take."""


_NOBLOCK = int(zmq.NOBLOCK)
"""As a plain number, like those below: pyzmq's enum is converted anew in every call."""
_SEND_MORE = int(zmq.SNDMORE | zmq.NOBLOCK)
_EVENTS = int(zmq.EVENTS)

_COPIED_BYTES = 64 * 1024
"""A shorter frame is copied when it is sent: that costs less than to share it with the I/O thread."""

_Taken = TypeVar("_Taken", Burst, list[Frames])


@dataclass(frozen=True, slots=True)
class CurveServer:
    """Key of a binding socket, Z85: only clients that know the public half can connect, and all is encrypted."""

    secret_key: bytes


@dataclass(frozen=True, slots=True)
class CurveClient:
    """Keys of a connecting socket, Z85."""

    server_key: bytes
    public_key: bytes
    secret_key: bytes


class _Readiness:
    """Waiting until a socket can be read from, or written to, shared by any number of waiters.

    The socket's file descriptor says that libzmq has commands to handle, not that the socket is ready, and is readable
    until they are handled. So they are handled at once, also while nobody waits: else the loop would spin. The reader
    stays: to add it for each wait costs more than all else a wait costs.

    Args:
        socket: the socket.
        event: `zmq.POLLIN` or `zmq.POLLOUT`.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", event: int) -> None:
        self._socket, self._event = socket, event
        self._fd = int(socket.getsockopt(zmq.FD))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._changed = False

    def is_ready(self) -> bool:
        """Whether it can be read from, or written to, now. Asking is much cheaper than trying in vain."""
        return bool(int(self._socket.getsockopt(_EVENTS)) & self._event)

    async def wait(self) -> None:
        """Returns when it has become ready since the last wait, or was woken."""
        if self._changed:
            self._changed = False
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._fd, self._handle)
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        # Cancelled here nothing is lost: the others have futures of their own.
        await waiter

    def _handle(self) -> None:
        if self.is_ready():
            self.wake()

    def wake(self) -> None:
        """Ends all waits; if there are none, the next one."""
        waiters, self._waiters = self._waiters, []
        self._changed = not waiters
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def close(self) -> None:
        """Ends all waits for good; to be called before the socket closes."""
        self.wake()
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
            self._loop = None


class _Socket:
    """What both kinds share: a socket with its options, closed once, with a finite linger."""

    def __init__(self, kind: int, endpoint: str, curve: CurveServer | CurveClient | None) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self._endpoint = endpoint
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        # A quiet peer that vanished without a goodbye (a pulled cable) is noticed within half a minute. By TCP, not by
        # ZeroMQ's heartbeats: their answers stand in line behind the messages, so a receiver that does not read for
        # longer than the timeout, as backpressure means it to, would end the connection and lose what is on its way.
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 10)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 5)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 4)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
        self._secure(curve)
        self._readiness = _Readiness(self._socket, int(zmq.POLLIN if kind == zmq.PULL else zmq.POLLOUT))

    @property
    def endpoint(self) -> str:
        """The endpoint; with the real port where it was bound to a free one (`tcp://127.0.0.1:*`)."""
        return self._endpoint

    def _secure(self, curve: CurveServer | CurveClient | None) -> None:
        if isinstance(curve, CurveServer):
            self._socket.curve_server = True
            self._socket.curve_secretkey = curve.secret_key
        elif isinstance(curve, CurveClient):
            self._socket.curve_serverkey = curve.server_key
            self._socket.curve_publickey = curve.public_key
            self._socket.curve_secretkey = curve.secret_key

    def close(self) -> None:
        """Closes the socket; what is queued to be sent still goes out, for at most `LINGER_MS`."""
        if not self._socket.closed:
            self._readiness.close()
            self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Pull(_Socket):
    """A bound PULL socket.

    Args:
        endpoint: where to bind, e.g. `tcp://127.0.0.1:5555`.
        high_water_mark: messages a peer may have queued here before its own queue fills.
        max_burst: messages given at once; bounds how long the event loop works without a break.
        setting: the environment variable to name in an error.

    Raises:
        StartupError: the endpoint is taken or is no endpoint.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        high_water_mark: int = 1_000,
        max_burst: int = 1_024,
        setting: str = "the endpoint",
        curve: CurveServer | None = None,
    ) -> None:
        super().__init__(zmq.PULL, endpoint, curve)
        self._max_burst = max_burst
        self._drain_until: float | None = None
        self._dry = False
        self._socket.setsockopt(zmq.RCVHWM, high_water_mark)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_WIRE_BYTES)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._socket.close(linger=0)
            raise StartupError(f"cannot listen on {endpoint}: {_why(error)}; set {setting} to another one") from error
        self._endpoint = bytes(self._socket.get(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def stop(self, *, drain_s: float = 1.0) -> None:
        """Takes no new connections; `receive` gives what has arrived, for at most `drain_s`, then ends."""
        if self._drain_until is None and not self._socket.closed:
            self._drain_until = asyncio.get_running_loop().time() + drain_s
            self._socket.unbind(self._endpoint)
            self._readiness.wake()

    def _is_over(self) -> bool:
        return self._socket.closed or (
            self._drain_until is not None and asyncio.get_running_loop().time() > self._drain_until
        )

    async def _fill(self, take: Callable[[], _Taken], nothing: _Taken) -> _Taken:
        while True:
            # Cancelled here nothing is lost: the burst is still in the socket.
            if not self._dry:
                await asyncio.sleep(0)  # There is more, and all else that the loop has to do gets its turn.
            elif self._drain_until is None:
                await self._readiness.wait()
            self._dry = False
            burst = nothing if self._is_over() else take()
            if burst or self._drain_until is not None:
                return burst

    def _look(self) -> bool:
        """Whether there is more; takes note if not."""
        self._dry = not self._readiness.is_ready()
        return not self._dry


class PullSource(_Pull):
    """A bound PULL socket for messages of any number of frames; arguments and errors are those of `_Pull`."""

    async def receive(self) -> list[Frames]:
        """The next burst; empty when the source was stopped and is dry."""
        return await self._fill(self._take, [])

    def _take(self) -> list[Frames]:
        burst: list[Frames] = []
        try:
            self._take_messages(burst)
        except zmq.Again:
            self._dry = True
        return burst

    def _take_messages(self, burst: list[Frames]) -> None:
        receive, room_bytes = self._socket.recv, MAX_BURST_BYTES
        while len(burst) < self._max_burst and room_bytes > 0:
            frames: list[Frame] = []
            more = True
            while more:
                # The parts of a message arrive together, so only the first one may not be there.
                part = receive(_NOBLOCK, False)  # noqa: FBT003 - copy; a keyword costs a tenth of the call
                frames.append(part.buffer)
                room_bytes -= len(part)
                more = part.more
            burst.append(frames)
            if len(burst) == 1 and not self._look():
                return


class EdgePullSource(_Pull):
    """A bound PULL socket for messages of one frame, as fast as can be; arguments and errors are those of `_Pull`.

    Messages of several frames are told apart, but for one case: while the socket is saturated, their frames come one by
    one, as if each were a message. To ask which frames belong together takes longer than all else that a burst costs
    here (0.9 µs a frame of 1.2 µs), so it is asked only while there is time.
    """

    _saturated = False

    async def receive(self) -> Burst:
        """The next burst; empty when the source was stopped and is dry."""
        return await self._fill(self._take, Burst([], []))

    def _take(self) -> Burst:
        burst = Burst([], [])
        take = self._take_frames if self._saturated else self._take_messages
        try:
            take(burst)
        except zmq.Again:
            self._dry = True
        # A quarter, as a fast taker now and then finds the queue empty under full load too.
        self._saturated = 4 * len(burst.frames) >= self._max_burst
        # It looks once more before it waits: if there is nothing then either, it is quiet.
        self._dry = self._dry and not self._saturated
        return burst

    def _take_frames(self, burst: Burst) -> None:
        # The hottest loop there is.
        receive, add, room_bytes = self._socket.recv, burst.frames.append, MAX_BURST_BYTES
        for _ in range(self._max_burst):
            frame = receive(_NOBLOCK)
            add(frame)
            room_bytes -= len(frame)
            if room_bytes < 0:
                return

    def _take_messages(self, burst: Burst) -> None:
        # `copy=False` only to see `more`: asking the socket costs even more.
        receive, add, room_bytes = self._socket.recv, burst.frames.append, MAX_BURST_BYTES
        for taken in range(self._max_burst):
            if taken == 1 and not self._look():
                return
            part = receive(_NOBLOCK, False)  # noqa: FBT003 - copy; a keyword costs a tenth of the call
            frame = part.bytes
            if part.more:
                # The parts of a message arrive together, so this never waits.
                burst.multipart.append([frame, *self._socket.recv_multipart(zmq.NOBLOCK)])
            else:
                add(frame)
            room_bytes -= len(frame)
            if room_bytes < 0:
                return


class _Push(_Socket):
    """A connected PUSH socket."""

    def __init__(self, endpoint: str, *, high_water_mark: int, setting: str, curve: CurveClient | None) -> None:
        super().__init__(zmq.PUSH, endpoint, curve)
        self._socket.setsockopt(zmq.SNDHWM, high_water_mark)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._socket.close(linger=0)
            raise StartupError(f"cannot connect to {endpoint}: {_why(error)}; check {setting}") from error

    def _try_send(self, frames: Frames) -> bool:
        send, last = self._socket.send, frames[-1]
        try:
            for frame in frames[:-1]:
                send(frame, _SEND_MORE)
            # Once the first part was taken the others are: a message is queued whole or not at all.
            send(last, _NOBLOCK, len(last) < _COPIED_BYTES)
        except zmq.Again:
            return False
        return True


class PushSink(_Push):
    """A connected PUSH socket that waits when its queue is full: nothing is lost, the caller slows down."""

    def __init__(
        self,
        endpoint: str,
        *,
        high_water_mark: int = 1_000,
        setting: str = "the endpoint",
        curve: CurveClient | None = None,
    ) -> None:
        super().__init__(endpoint, high_water_mark=high_water_mark, setting=setting, curve=curve)

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


def local_endpoint(directory: Path, name: str) -> str:
    """Where two processes of one service meet: a socket file in `directory`.

    On a platform that has no such files it is a free port of the loopback address.
    """
    if zmq.has("ipc"):
        return f"ipc://{directory / name}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def _why(error: zmq.ZMQError) -> str:
    known = {
        zmq.EADDRINUSE: "the address is in use",
        zmq.EADDRNOTAVAIL: "this machine has no such address",
        zmq.EINVAL: "this is not an endpoint like tcp://127.0.0.1:5555",
        zmq.EPROTONOSUPPORT: "this is not an endpoint like tcp://127.0.0.1:5555",
        errno.ENODEV: "this machine has no such interface",
    }
    return known.get(error.errno or 0, str(error))
