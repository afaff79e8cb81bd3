"""Whether a message waits for those behind it: the decision with plain numbers, the wait on a real timer and socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from telemetry_runtime import Burst
from telemetry_runtime.transport import EdgePullSource, Gathering, PushSink
from telemetry_runtime.transport.gathering import ENOUGH_MESSAGES, SILENCE_NS, TRIAL_EVERY
from telemetry_runtime.transport.pull import HELD_BACK_US
from telemetry_runtime.transport.short_timer import ShortTimer

US = 1_000


def _waits(gathering: Gathering, gap_us: int, messages: int, bursts: int) -> int:
    """Bursts that wait, of so many at such a distance, of which each that waits has so many messages."""
    waited = 0
    for number in range(1, bursts + 1):
        now_ns = number * gap_us * US
        is_due = gathering.is_due(now_ns)
        taken = messages if is_due else 1
        if is_due:
            gathering.gathered(taken)
        gathering.taken(taken, now_ns)
        waited += is_due
    return waited


def test_the_first_message_goes_on_at_once() -> None:
    assert not Gathering(400).is_due(0)


def test_messages_that_come_slowly_never_wait() -> None:
    assert _waits(Gathering(400), SILENCE_NS // US, messages=5, bursts=10_000) == 0


def test_messages_that_come_fast_wait_once_it_has_brought_something() -> None:
    gathering = Gathering(400)
    assert _waits(gathering, 500, messages=4, bursts=TRIAL_EVERY) <= 1
    assert _waits(gathering, 500, messages=4, bursts=1_000) == 1_000


def test_where_waiting_brings_nothing_it_is_tried_now_and_then() -> None:
    bursts = 100 * TRIAL_EVERY
    assert _waits(Gathering(400), 1_000, messages=1, bursts=bursts) == pytest.approx(bursts / TRIAL_EVERY, abs=1)


def test_a_rate_that_falls_ends_the_waiting() -> None:
    gathering = Gathering(400)
    _waits(gathering, 500, messages=4, bursts=1_000)
    assert _waits(gathering, 1_000, messages=1, bursts=1_000) < 50


def test_large_bursts_do_not_wait() -> None:
    gathering = Gathering(400)
    _waits(gathering, 500, messages=4, bursts=1_000)
    gathering.taken(ENOUGH_MESSAGES, 0)
    assert not gathering.is_due(1)


def test_without_a_time_to_wait_nothing_waits() -> None:
    assert _waits(Gathering(0), 100, messages=9, bursts=1_000) == 0


async def test_the_timer_waits_as_long_as_asked_and_much_less_than_a_tick_of_the_loop() -> None:
    timer = ShortTimer.open()
    if timer is None:
        pytest.skip("no such timers on this platform")
    spans_us: list[float] = []
    for _ in range(50):
        begin_ns = time.monotonic_ns()
        await timer.wait(200)
        spans_us.append((time.monotonic_ns() - begin_ns) / US)
    timer.close()
    assert min(spans_us) >= 200
    # The shortest of many, as the machine may be busy. asyncio's own timers need 1,000 or more.
    assert min(spans_us) < 900


async def test_a_closed_timer_lets_its_waiter_go() -> None:
    timer = ShortTimer.open()
    if timer is None:
        pytest.skip("no such timers on this platform")
    waiting = asyncio.ensure_future(timer.wait(60_000_000))
    await asyncio.sleep(0)
    timer.close()
    async with asyncio.timeout(10):
        await waiting
    timer.close()


class _DueWhenAsked(Gathering):
    def __init__(self, wait_us: int) -> None:
        super().__init__(wait_us)
        self.is_on = False
        self.asked = asyncio.Event()
        self.times = 0

    def is_due(self, now_ns: int) -> bool:  # noqa: ARG002 - the signature of what it stands for
        self.times += 1
        if self.is_on:
            self.asked.set()
        return self.is_on


class _Waiting(NamedTuple):
    source: EdgePullSource
    gathering: _DueWhenAsked
    sink: PushSink
    receiving: asyncio.Future[Burst]


@asynccontextmanager
async def _a_message_that_waits(wait_us: int) -> AsyncIterator[_Waiting]:
    """A source that waits with a message for those behind it."""
    gathering = _DueWhenAsked(wait_us)
    async with (
        EdgePullSource("tcp://127.0.0.1:*", gathering=gathering) as source,
        PushSink(source.endpoint) as sink,
    ):
        await sink.send([b"greeting"])
        async with asyncio.timeout(10):
            assert await source.receive()  # from now on the source is empty
        gathering.is_on = True
        receiving = asyncio.ensure_future(source.receive())
        await sink.send([b"first"])
        async with asyncio.timeout(10):
            await gathering.asked.wait()
        yield _Waiting(source, gathering, sink, receiving)


async def test_what_comes_during_the_wait_is_one_burst() -> None:
    async with _a_message_that_waits(500_000) as (_, _, sink, receiving):
        for number in range(5):
            await sink.send([b"%d" % number])
        async with asyncio.timeout(10):
            burst = await receiving
    assert burst.frames == [b"first", b"0", b"1", b"2", b"3", b"4"]


async def test_what_was_taken_wakes_nobody_afterwards() -> None:
    async with (
        _a_message_that_waits(500_000) as (source, gathering, sink, receiving),
        PushSink(source.endpoint) as other,
    ):
        for each in (sink, other, sink, other):
            await each.send([b"x"])
        async with asyncio.timeout(10):
            await receiving
        gathering.is_on, gathering.times = False, 0
        last = asyncio.ensure_future(source.receive())
        await other.send([b"last"])
        async with asyncio.timeout(10):
            assert (await last).frames == [b"last"]
    assert gathering.times == 1, "once for each burst, and not once more for what the burst before has taken"


async def test_a_stop_during_the_wait_loses_nothing() -> None:
    async with _a_message_that_waits(50_000) as (source, _, _, receiving):
        source.stop()
        async with asyncio.timeout(10):
            assert (await receiving).frames == [b"first"]
            assert not await source.receive()


async def test_closing_ends_the_wait() -> None:
    async with _a_message_that_waits(60_000_000) as (source, _, _, receiving):
        source.close()
        async with asyncio.timeout(10):
            assert not await receiving


async def test_held_back_the_next_burst_is_small_and_nothing_is_lost() -> None:
    async with EdgePullSource("tcp://127.0.0.1:*") as source, PushSink(source.endpoint) as sink:
        frames = [b"%d" % number for number in range(20 * 256)]
        sending = asyncio.ensure_future(_send_all(sink, frames))
        received: list[bytes] = []
        sizes: list[int] = []
        async with asyncio.timeout(30):
            while len(received) < len(frames):
                source.hold_back(256)
                burst = await source.receive()
                sizes.append(len(burst.frames))
                received += burst.frames
            await sending
    assert received == frames
    assert max(sizes) <= 256
    assert source.held_back_s >= len(sizes) * HELD_BACK_US / 2e6


async def _send_all(sink: PushSink, frames: list[bytes]) -> None:
    for frame in frames:
        await sink.send([frame])
