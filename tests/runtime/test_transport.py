"""PUSH/PULL over real sockets on the loopback."""

import asyncio
import time
from contextlib import suppress

import pytest

from telemetry_runtime import Burst, Frames, StartupError
from telemetry_runtime.transport import CurveClient, CurveServer, DroppingSink, EdgePullSource, PullSource, PushSink
from tests.helpers.ports import held_port

FREE = "tcp://127.0.0.1:*"


async def _receive(source: PullSource, count: int) -> list[list[bytes]]:
    messages: list[Frames] = []
    async with asyncio.timeout(10):
        while len(messages) < count:
            messages += await source.receive()
    return [[bytes(frame) for frame in frames] for frames in messages]


async def test_messages_arrive_in_order_with_all_their_frames() -> None:
    async with PullSource(FREE) as source, PushSink(source.endpoint) as sink:
        for number in range(1000):
            await sink.send([b"header", str(number).encode()])
        received = await _receive(source, 1000)
    assert received == [[b"header", str(number).encode()] for number in range(1000)]


async def test_a_burst_is_bounded_in_messages() -> None:
    async with PullSource(FREE, max_burst=10) as source, PushSink(source.endpoint) as sink:
        for _ in range(100):
            await sink.send([b"x"])
        bursts: list[int] = []
        async with asyncio.timeout(10):
            while sum(bursts) < 100:
                bursts.append(len(await source.receive()))
    assert max(bursts) <= 10


async def test_a_burst_is_bounded_in_bytes() -> None:
    large = bytes(1024 * 1024)
    async with PullSource(FREE) as source, PushSink(source.endpoint) as sink:
        for _ in range(12):
            await sink.send([large])
        sizes: list[int] = []
        async with asyncio.timeout(10):
            while sum(sizes) < 12:
                sizes.append(len(await source.receive()))
    assert max(sizes) <= 5


async def test_the_edge_separates_messages_of_one_frame_from_the_others() -> None:
    async with EdgePullSource(FREE) as source, PushSink(source.endpoint) as sink:
        for frames in ([b"one"], [b"two", b"parts"], [b"three"], [b"", b"", b"3"]):
            await sink.send(frames)
        singles: list[bytes] = []
        multipart: list[list[bytes]] = []
        async with asyncio.timeout(10):
            while len(singles) + len(multipart) < 4:
                burst = await source.receive()
                singles += burst.frames
                multipart += burst.multipart
        source.stop()
        assert not await source.receive()
    assert singles == [b"one", b"three"]
    assert multipart == [[b"two", b"parts"], [b"", b"", b"3"]]


async def test_frames_that_belong_together_come_one_by_one_while_the_edge_is_saturated_and_none_is_lost() -> None:
    async with EdgePullSource(FREE, max_burst=4) as source, PushSink(source.endpoint) as sink:
        for number in range(8):
            await sink.send([b"%d" % number])
        await sink.send([b"two", b"parts"])
        received = Burst([], [])
        async with asyncio.timeout(10):
            while len(received.frames) + 2 * len(received.multipart) < 10:
                burst = await source.receive()
                received.frames.extend(burst.frames)
                received.multipart.extend(burst.multipart)
        idle = asyncio.create_task(source.receive())
        for _ in range(5):  # it gives the loop its turn, finds nothing, and waits
            await asyncio.sleep(0)
        await sink.send([b"two", b"parts"])
        assert (await idle).multipart == [[b"two", b"parts"]]
    frames = [*received.frames, *(part for parts in received.multipart for part in parts)]
    assert frames == [*(b"%d" % number for number in range(8)), b"two", b"parts"]


class _Counting(PullSource):
    """Counts how often it looks for messages."""

    looks = 0

    def _take(self) -> list[Frames]:
        self.looks += 1
        return super()._take()


async def test_who_waits_is_woken_once_a_message_and_never_for_nothing() -> None:
    async with _Counting(FREE) as source, PushSink(source.endpoint) as sink:
        for number in range(5):
            waiting = asyncio.create_task(source.receive())
            await asyncio.sleep(0.02)  # the messages behind a connection and its end must not wake anybody either
            assert not waiting.done()
            await sink.send([b"%d" % number])
            async with asyncio.timeout(10):
                assert [bytes(frame) for frames in await waiting for frame in frames] == [b"%d" % number]
        # One look in vain before the first wait, then one a message.
        assert source.looks == 6


async def test_a_burst_of_the_edge_is_bounded_in_messages_and_bytes() -> None:
    async with EdgePullSource(FREE, max_burst=10) as source, PushSink(source.endpoint) as sink:
        for size in [1] * 50 + [1024 * 1024] * 12:
            await sink.send([bytes(size)])
        bursts: list[list[bytes]] = []
        async with asyncio.timeout(10):
            while sum(map(len, bursts)) < 62:
                bursts.append((await source.receive()).frames)
    assert max(map(len, bursts)) <= 10
    assert max(sum(map(len, burst)) for burst in bursts) < 6 * 1024 * 1024


async def test_a_full_queue_makes_the_sender_wait_and_nothing_is_lost() -> None:
    async with PullSource(FREE, high_water_mark=1) as source, PushSink(source.endpoint, high_water_mark=1) as sink:
        payload = bytes(256 * 1024)

        async def send_all() -> None:
            for _ in range(64):
                await sink.send([payload])

        sending = asyncio.ensure_future(send_all())
        await _until_blocked(sending)
        assert len(await _receive(source, 64)) == 64
        await sending


async def _until_blocked(sending: "asyncio.Future[None]") -> None:
    """Gives the sender its turns; with 64 messages of 256 kB the kernel's buffers are full long before the end."""
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not sending.done()


async def test_a_dropping_sink_never_waits_and_counts_what_it_dropped() -> None:
    async with DroppingSink("tcp://127.0.0.1:1", high_water_mark=3) as sink:
        taken = [sink.offer([b"x"]) for _ in range(10)]
    assert taken == [True] * 3 + [False] * 7
    assert sink.dropped_messages == 7


async def test_the_order_of_start_does_not_matter() -> None:
    with held_port() as port:
        endpoint = f"tcp://127.0.0.1:{port}"
        async with PushSink(endpoint) as sink:
            await sink.send([b"early"])
            async with PullSource(endpoint) as source:
                assert await _receive(source, 1) == [[b"early"]]


async def test_a_stopped_source_gives_what_has_arrived_and_then_ends() -> None:
    # Within one process, where what is sent has arrived.
    async with PullSource("inproc://stopped", max_burst=2) as source, PushSink(source.endpoint) as sink:
        for number in range(7):
            await sink.send([bytes([number])])
        received = await _receive(source, 1)
        source.stop()
        async with asyncio.timeout(10):
            while burst := await source.receive():
                received += [[bytes(frame) for frame in frames] for frames in burst]
        assert received == [[bytes([number])] for number in range(7)]
        assert await source.receive() == []


async def test_stopping_wakes_a_source_that_waits() -> None:
    async with PullSource(FREE) as source:
        waiting = asyncio.ensure_future(source.receive())
        await asyncio.sleep(0)
        source.stop()
        async with asyncio.timeout(10):
            assert await waiting == []


async def test_a_cancelled_wait_loses_nothing() -> None:
    async with PullSource(FREE) as source, PushSink(source.endpoint) as sink:
        waiting = asyncio.ensure_future(source.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await sink.send([b"x"])
        assert await _receive(source, 1) == [[b"x"]]


async def test_a_taken_port_is_one_line_that_names_the_setting() -> None:
    async with PullSource(FREE) as source:
        with pytest.raises(StartupError) as caught:
            PullSource(source.endpoint, setting="INGEST_PULL_ENDPOINT")
    assert str(caught.value) == (
        f"cannot listen on {source.endpoint}: the address is in use; set INGEST_PULL_ENDPOINT to another one"
    )


@pytest.mark.parametrize("endpoint", ["5555", "tcp://", "tcp://127.0.0.1:port", "http://127.0.0.1:80"])
async def test_what_is_no_endpoint_is_named(endpoint: str) -> None:
    with pytest.raises(StartupError, match="SOME_SETTING"):
        PullSource(endpoint, setting="SOME_SETTING")
    with pytest.raises(StartupError, match="SOME_SETTING"):
        PushSink(endpoint, setting="SOME_SETTING")


async def test_with_curve_keys_only_who_knows_the_server_gets_through() -> None:
    zmq = pytest.importorskip("zmq")
    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    async with (
        PullSource(FREE, curve=CurveServer(server_secret)) as source,
        PushSink(source.endpoint) as stranger,
        PushSink(source.endpoint, curve=CurveClient(server_public, public, secret)) as friend,
    ):
        await stranger.send([b"stranger"])
        await friend.send([b"friend"])
        assert await _receive(source, 1) == [[b"friend"]]


@pytest.mark.soak
async def test_a_receiver_that_does_not_read_for_long_costs_no_message() -> None:
    """Heartbeats would end the connection here: 20,000 of 60,000 messages were lost with a timeout of 3 s."""
    count, message = 30_000, bytes(200)
    async with PullSource(FREE) as source, PushSink(source.endpoint) as sink:

        async def send_all() -> None:
            for _ in range(count):
                await sink.send([message])

        sending = asyncio.create_task(send_all())
        await asyncio.sleep(25)  # longer than any heartbeat that one would choose
        received = await _receive(source, count)
        await sending
    assert len(received) == count


async def test_a_saturated_edge_leaves_the_loop_to_others_between_bursts() -> None:
    async with EdgePullSource(FREE, max_burst=1) as source, PushSink(source.endpoint) as sink:
        for _ in range(100):
            await sink.send([b"x"])
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        async with asyncio.timeout(10):
            for _ in range(100):
                await source.receive()
        counting.cancel()
    assert turns >= 90


async def test_waiting_for_a_socket_costs_nothing_while_nobody_takes_its_messages() -> None:
    async with PullSource(FREE) as source, PushSink(source.endpoint) as sink:
        waiting = asyncio.create_task(source.receive())
        await sink.send([b"first"])
        assert await waiting
        for _ in range(100):
            await sink.send([b"x"])
        began_s = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - began_s < 0.15


async def test_a_closed_source_ends_and_does_not_spin() -> None:
    source = PullSource(FREE)
    waiting = asyncio.create_task(source.receive())
    await asyncio.sleep(0)
    source.close()
    async with asyncio.timeout(10):
        assert await waiting == []
        assert await source.receive() == []


async def test_what_the_edge_holds_of_a_client_that_floods_it_is_bounded_in_bytes() -> None:
    large = bytes(1024 * 1024)
    async with EdgePullSource(FREE) as source, PushSink(source.endpoint, high_water_mark=1) as sink:
        taken = 0
        with suppress(TimeoutError):
            while taken < 400:
                async with asyncio.timeout(0.5):  # the queue stays full: nobody reads
                    while not sink.try_send([large]):
                        await sink.writable()
                taken += 1
        # Its queue, and what the kernel holds on the way.
        assert taken < 100
        received = 0
        async with asyncio.timeout(10):
            while received < taken:
                received += len((await source.receive()).frames)


@pytest.mark.parametrize(("size", "arrives"), [(2 * 1024 * 1024, True), (4 * 1024 * 1024, False)])
async def test_a_frame_far_above_the_limit_ends_its_connection_and_nobody_elses(size: int, arrives: bool) -> None:  # noqa: FBT001
    async with EdgePullSource(FREE) as source, PushSink(source.endpoint) as hostile, PushSink(source.endpoint) as good:
        assert hostile.try_send([bytes(size)])
        assert good.try_send([b"good"])
        sizes: set[int] = set()
        async with asyncio.timeout(10):
            while 4 not in sizes or (arrives and size not in sizes):
                sizes |= set(map(len, (await source.receive()).frames))
    assert sizes == ({4, size} if arrives else {4})


@pytest.mark.parametrize(("bound", "connected"), [("[::1]", "[::1]"), ("[::]", "[::1]"), ("[::]", "127.0.0.1")])
async def test_it_works_over_ipv6_and_the_wildcard_takes_both(bound: str, connected: str) -> None:
    async with PullSource(f"tcp://{bound}:*") as source:
        port = source.endpoint.rpartition(":")[2]
        async with PushSink(f"tcp://{connected}:{port}") as sink:
            assert sink.try_send([b"x"])
            assert await _receive(source, 1) == [[b"x"]]
