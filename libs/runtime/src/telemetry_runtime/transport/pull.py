"""Sockets that bind and receive."""

import asyncio
import time
from collections.abc import Callable
from typing import Self, TypeVar

import zmq

from telemetry_runtime.channels import Burst, Frame, Frames
from telemetry_runtime.refused_peers import RefusedPeers
from telemetry_runtime.transport.bound import BoundSocket
from telemetry_runtime.transport.curve import CurveServer
from telemetry_runtime.transport.gathering import Gathering
from telemetry_runtime.transport.short_timer import ShortTimer
from telemetry_runtime.transport.sockets import (
    MAX_EDGE_WIRE_BYTES,
    MAX_WIRE_BYTES,
    NOBLOCK,
)

MAX_BURST_BYTES = 4 * 1024 * 1024
"""A burst ends with the frame that passes this, so that a few hundred large frames are not all held at once."""

EDGE_HIGH_WATER_MARK = 64
"""Messages of one client that libzmq holds. As fast as 1,000: 200,000 trades take 0.3 to 0.6 s with either."""

HELD_BACK_US = 300
"""After `hold_back`: how long the next burst waits. Nobody waits longer than for that and its messages."""

_Taken = TypeVar("_Taken", Burst, list[Frames])


class _Pull(BoundSocket):
    """A bound PULL socket.

    Args:
        endpoint: where to bind, e.g. `tcp://127.0.0.1:5555`.
        high_water_mark: messages a peer may have queued here before its own queue fills.
        max_burst: messages given at once; bounds how long the event loop works without a break.
        max_frame_bytes: a longer frame ends its connection.
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
        high_water_mark: int = 1_000,
        max_burst: int = 1_024,
        setting: str = "the endpoint",
        curve: CurveServer | None = None,
        refused: RefusedPeers | None = None,
        max_frame_bytes: int = MAX_WIRE_BYTES,
    ) -> None:
        super().__init__(zmq.PULL, endpoint, curve)
        self._max_burst = max_burst
        self._drain_until: float | None = None
        self._socket_empty = False
        self._socket.setsockopt(zmq.RCVHWM, high_water_mark)
        self._socket.setsockopt(zmq.MAXMSGSIZE, max_frame_bytes)
        self._bind(setting, refused)

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

    async def _next_burst(self, take: Callable[[], _Taken], nothing: _Taken) -> _Taken:
        # Cancelled at either await nothing is lost: the burst is still in the socket.
        while not self._is_over():
            if not self._socket_empty:
                # Case 1, there may be more: yield once to the event loop, so that a flood does not starve it.
                await self._give_way()
            elif self._drain_until is None:
                # Case 2, empty: wait until libzmq reports a message, or `stop` or `close` wakes us.
                await self._readiness.wait()
                await self._gather()
            # Case 3, stopped and empty: no wait, one last look.
            self._socket_empty = False
            burst = nothing if self._is_over() else take()
            if burst or self._drain_until is not None:
                return burst
        # Case 4, closed or drained for long enough: the end, and again at each further call.
        return nothing

    async def _give_way(self) -> None:
        await asyncio.sleep(0)

    async def _gather(self) -> None:
        """Waits for what follows the message that has just come, if this socket gathers. Cancelled, nothing is lost."""

    def _has_more(self) -> bool:
        """Whether a message is there; takes note if not."""
        if self._readiness.is_ready():
            return True
        self._note_empty()
        return False

    def _note_empty(self) -> None:
        # What made it ready meanwhile has been taken: to wake up for that again would find nothing.
        self._readiness.forget()
        self._socket_empty = True


class PullSource(_Pull):
    """A bound PULL socket for messages of any number of frames; arguments and errors are those of `_Pull`."""

    async def receive(self) -> list[Frames]:
        """The next burst; empty when the source was stopped and is drained, or closed."""
        return await self._next_burst(self._take, [])

    def _take(self) -> list[Frames]:
        burst: list[Frames] = []
        try:
            self._take_messages(burst)
        except zmq.Again:
            self._note_empty()
        return burst

    def _take_messages(self, burst: list[Frames]) -> None:
        receive, room_bytes = self._socket.recv, MAX_BURST_BYTES
        while len(burst) < self._max_burst and room_bytes > 0:
            frames: list[Frame] = []
            more = True
            while more:
                # The parts of a message arrive together, so only the first one may not be there.
                part = receive(NOBLOCK, False)  # noqa: FBT003 - copy; a keyword costs a tenth of the call
                frames.append(part.buffer)
                room_bytes -= len(part)
                more = part.more
            burst.append(frames)
            if len(burst) == 1 and not self._has_more():
                return


class EdgePullSource(_Pull):
    """A bound PULL socket for messages of one frame, as fast as can be; errors are those of `_Pull`.

    What libzmq holds of each client is bounded in bytes: `EDGE_HIGH_WATER_MARK` messages of `MAX_EDGE_WIRE_BYTES`, 192
    MiB at worst, 14 kB of usual trades. What does not fit waits in the client's own queue.

    Messages of several frames are recognised, but for one case: under load, their frames come one by
    one, as if each were a message. To ask which frames belong together takes longer than all else that a burst costs
    here (0.9 µs a frame of 1.2 µs), so it is asked only while there is time.

    `gathering` says whether a message waits a moment for those behind it; without it, or on a platform without timers
    that are short enough, each goes on at once.
    """

    _under_load = False
    _timer: ShortTimer | None = None
    _has_waited = False
    _held_back_burst: int | None = None
    """The most messages of the next burst, if it is held back."""
    held_back_s = 0.0
    """How long bursts that were held back have waited, all together."""

    def __init__(
        self,
        endpoint: str,
        *,
        max_burst: int = 1_024,
        setting: str = "the endpoint",
        curve: CurveServer | None = None,
        refused: RefusedPeers | None = None,
        gathering: Gathering | None = None,
    ) -> None:
        self._gathering = gathering or Gathering(0)
        super().__init__(
            endpoint,
            high_water_mark=EDGE_HIGH_WATER_MARK,
            max_burst=max_burst,
            setting=setting,
            curve=curve,
            refused=refused,
            max_frame_bytes=MAX_EDGE_WIRE_BYTES,
        )

    async def receive(self) -> Burst:
        """The next burst; empty when the source was stopped and is drained, or closed."""
        return await self._next_burst(self._take, Burst([], []))

    def hold_back(self, most_messages: int) -> None:
        """The next burst comes after `HELD_BACK_US` and has at most so many messages."""
        self._held_back_burst = min(self._max_burst, most_messages)

    async def __aenter__(self) -> Self:
        self._timer = ShortTimer.open()
        return await super().__aenter__()

    def close(self) -> None:
        """Closes the socket; whoever waits in `receive` gets the end."""
        super().close()
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    async def _give_way(self) -> None:
        if self._held_back_burst and self._timer is not None:
            await self._wait_held_back(self._timer)
        else:
            await super()._give_way()

    async def _gather(self) -> None:
        if self._timer is None or self._is_over():
            return
        if self._held_back_burst:
            await self._wait_held_back(self._timer)
        elif self._gathering.is_due(time.monotonic_ns()):
            await self._timer.wait(self._gathering.wait_us)
            self._has_waited = True

    async def _wait_held_back(self, timer: ShortTimer) -> None:
        began_s = time.monotonic()
        await timer.wait(HELD_BACK_US)
        self.held_back_s += time.monotonic() - began_s

    def _take(self) -> Burst:
        burst = self._take_burst()
        if self._timer is not None:
            self._note(len(burst.frames))
        return burst

    def _note(self, messages: int) -> None:
        if self._has_waited:
            self._has_waited = False
            self._gathering.gathered(messages)
        if messages:
            self._gathering.taken(messages, time.monotonic_ns())

    def _take_burst(self) -> Burst:
        burst = Burst([], [])
        take = self._take_frames if self._under_load else self._take_messages
        most = self._held_back_burst or self._max_burst
        try:
            take(burst, most)
        except zmq.Again:
            self._note_empty()
        # One that found nothing was no burst: the one that follows is the next.
        if burst:
            self._held_back_burst = None
        # A quarter, as a fast taker now and then finds the queue empty under full load too.
        self._under_load = 4 * len(burst.frames) >= most
        # Under load it looks once more before it waits: if there is nothing then either, the load is over.
        self._socket_empty = self._socket_empty and not self._under_load
        return burst

    def _take_frames(self, burst: Burst, most: int) -> None:
        # The hottest loop there is.
        receive, add, room_bytes = self._socket.recv, burst.frames.append, MAX_BURST_BYTES
        for _ in range(most):
            frame = receive(NOBLOCK)
            add(frame)
            room_bytes -= len(frame)
            if room_bytes < 0:
                return

    def _take_messages(self, burst: Burst, most: int) -> None:
        # `copy=False` only to see `more`: asking the socket costs even more.
        receive, add, room_bytes = self._socket.recv, burst.frames.append, MAX_BURST_BYTES
        for taken in range(most):
            if taken == 1 and not self._has_more():
                return
            part = receive(NOBLOCK, False)  # noqa: FBT003 - copy; a keyword costs a tenth of the call
            frame = part.bytes
            if part.more:
                # The parts of a message arrive together, so this never waits.
                rest = self._socket.recv_multipart(zmq.NOBLOCK)
                burst.multipart.append([frame, *rest])
                room_bytes -= sum(map(len, rest))
            else:
                add(frame)
            room_bytes -= len(frame)
            if room_bytes < 0:
                return
