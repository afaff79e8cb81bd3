"""Stand-ins for everything that touches the world, public: every test of every package uses these."""

import asyncio
import heapq
from collections.abc import Iterable, Sequence

from telemetry_runtime.channels import Burst, Frames

__all__ = ["FakeClock", "FakeEdgeSource", "FakePeerChannel", "FakeSink", "FakeSource", "burst_of"]

_MOST_STEPS = 20_000
"""A task that has not waited for anything after so many steps never will: no test would end."""


class FakeClock:
    """A clock that moves only when `advance` is called. Sleepers wake in the order of their times.

    Wall time is monotonic time plus an offset; `set_wall` changes the offset, as an operator or NTP would.
    """

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = now_ns
        self._wall_offset_ns = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ns(self) -> int:
        """UTC epoch nanoseconds of this clock."""
        return self._now_ns + self._wall_offset_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds of this clock, whatever `set_wall` did."""
        return self._now_ns

    def set_wall(self, step_s: float) -> None:
        """Sets wall time forward by so many seconds, or back; no sleeper notices."""
        self._wall_offset_ns += round(step_s * 1e9)

    def suspend(self, seconds: float) -> None:
        """Moves the clock as a suspended machine's: what is due runs late, at the next `advance`."""
        self._now_ns += round(seconds * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Waits until `advance` has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now_ns + round(seconds * 1e9), self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Moves the clock; everything that is due runs, at its own time, before this returns."""
        end_ns = self._now_ns + round(seconds * 1e9)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end_ns:
            due_ns, _, woken = heapq.heappop(self._sleepers)
            self._now_ns = max(self._now_ns, due_ns)
            if not woken.done():
                woken.set_result(None)
            await _settle()
        self._now_ns = end_ns
        await _settle()


async def _settle() -> None:
    """Lets every task run until all of them wait for something else.

    Raises:
        RuntimeError: some task never waits.
    """
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public says this
    for _ in range(_MOST_STEPS):
        await asyncio.sleep(0)
        # What was due when this step began has run or is still in the queue, as is all that this has made due.
        if not ready:
            return
    raise RuntimeError("a task never waits: the clock cannot move")


class FakeSource:
    """A source that gives the bursts it was handed, then ends, or waits for `stop` if it stays open."""

    def __init__(self, bursts: Iterable[Sequence[Frames]] = (), *, stays_open: bool = False) -> None:
        self._bursts: asyncio.Queue[list[Frames] | None] = asyncio.Queue()
        for burst in bursts:
            self.put(burst)
        if not stays_open:
            self.stop()

    def put(self, burst: Sequence[Frames]) -> None:
        """Adds a burst."""
        self._bursts.put_nowait(list(burst))

    def stop(self) -> None:
        """Ends the source after what it already has."""
        self._bursts.put_nowait(None)

    async def receive(self) -> list[Frames]:
        """The next burst; empty when the source has ended."""
        return await self._bursts.get() or []


class FakeEdgeSource:
    """An edge source that gives the messages it was handed, then waits for `stop`."""

    def __init__(self) -> None:
        self._bursts: asyncio.Queue[Burst] = asyncio.Queue()
        self.held_back: list[int] = []
        """How often the next burst was held back."""

    def put(self, *messages: bytes | list[bytes]) -> None:
        """Adds a burst of messages, each one frame or a list of frames."""
        self._bursts.put_nowait(burst_of(*messages))

    def stop(self) -> None:
        """Ends the source after what it already has."""
        self._bursts.put_nowait(Burst([], []))

    async def receive(self) -> Burst:
        """The next burst; empty when the source has ended."""
        return await self._bursts.get()

    def hold_back(self, most_messages: int) -> None:
        """Takes note of it."""
        self.held_back.append(most_messages)


class FakePeerChannel:
    """A channel that gives the requests it was handed and keeps the answers; peers in `gone` take none."""

    def __init__(self) -> None:
        self.answers: list[tuple[bytes, bytes]] = []
        self.gone: set[bytes] = set()
        self._requests: asyncio.Queue[list[tuple[bytes, bytes]]] = asyncio.Queue()

    def put(self, peer: bytes, *frames: bytes) -> None:
        """Adds requests of one peer, which come at once."""
        self._requests.put_nowait([(peer, frame) for frame in frames])

    async def receive(self) -> list[tuple[bytes, bytes]]:
        """The next requests."""
        return await self._requests.get()

    def answer(self, peer: bytes, frame: bytes) -> bool:
        """Keeps the answer, unless the peer has gone."""
        if peer in self.gone:
            return False
        self.answers.append((peer, frame))
        return True


def burst_of(*messages: bytes | list[bytes]) -> Burst:
    """A burst of these messages, each one frame or a list of frames."""
    several = [message for message in messages if isinstance(message, list)]
    return Burst([message for message in messages if not isinstance(message, list)], several)


class FakeSink:
    """A sink of every kind that keeps what it was sent. While `full`, `send` waits, the others refuse."""

    def __init__(self) -> None:
        self.sent: list[Frames] = []
        self.dropped_messages = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def full(self) -> bool:
        """Whether there is no room."""
        return not self._room.is_set()

    @full.setter
    def full(self, value: bool) -> None:
        if value:
            self._room.clear()
        else:
            self._room.set()

    async def send(self, frames: Frames) -> None:
        """Keeps the message as soon as there is room."""
        await self._room.wait()
        self.sent.append(frames)

    def try_send(self, frames: Frames) -> bool:
        """Keeps the message if there is room."""
        if not self.full:
            self.sent.append(frames)
        return not self.full

    async def writable(self) -> None:
        """Returns when there is room."""
        await self._room.wait()

    def offer(self, frames: Frames) -> bool:
        """Keeps the message if there is room; counts it as dropped if not."""
        if self.full:
            self.dropped_messages += 1
            return False
        self.sent.append(frames)
        return True
