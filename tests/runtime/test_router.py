"""A channel whose peers ask and are answered, over real sockets."""

import asyncio

import pytest
import zmq
import zmq.asyncio

from telemetry_runtime import StartupError
from telemetry_runtime.transport import RouterChannel

FREE = "tcp://127.0.0.1:*"


async def _receive(channel: RouterChannel, count: int) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += await channel.receive()
    return found


def _dealer(context: "zmq.Context[zmq.Socket[bytes]]", channel: RouterChannel) -> "zmq.Socket[bytes]":
    dealer = context.socket(zmq.DEALER)
    dealer.linger, dealer.rcvtimeo = 0, 5_000
    dealer.connect(channel.endpoint)
    return dealer


async def test_each_peer_gets_its_own_answer() -> None:
    with zmq.Context() as context:
        async with RouterChannel(FREE, max_frame_bytes=100) as channel:
            first, second = _dealer(context, channel), _dealer(context, channel)
            first.send(b"1")
            second.send(b"2")
            for peer, frame in await _receive(channel, 2):
                assert channel.answer(peer, b"to " + frame)
            assert await asyncio.to_thread(first.recv) == b"to 1"
            assert await asyncio.to_thread(second.recv) == b"to 2"
            first.close()
            second.close()


async def test_messages_of_many_frames_are_dropped_and_the_next_one_arrives() -> None:
    with zmq.Context() as context:
        async with RouterChannel(FREE, max_frame_bytes=100) as channel:
            dealer = _dealer(context, channel)
            dealer.send_multipart([b"a", b"b"])
            dealer.send(b"good")
            assert [frame for _, frame in await _receive(channel, 1)] == [b"good"]
            dealer.close()


async def test_a_peer_that_is_gone_or_does_not_read_gets_no_more_and_holds_up_nobody() -> None:
    with zmq.Context() as context:
        async with RouterChannel(FREE, max_frame_bytes=100_000, queue_length=2) as channel:
            assert not channel.answer(b"nobody", b"x")
            dealer = _dealer(context, channel)
            dealer.rcvhwm = 1
            dealer.send(b"hello")
            ((peer, _),) = await _receive(channel, 1)
            taken = sum(channel.answer(peer, b"x" * 100_000) for _ in range(1_000))
            assert 0 < taken < 1_000
            dealer.close()


async def test_a_request_that_is_too_long_ends_its_connection_only() -> None:
    with zmq.Context() as context:
        async with RouterChannel(FREE, max_frame_bytes=100) as channel:
            hostile, good = _dealer(context, channel), _dealer(context, channel)
            hostile.send(b"x" * 101)
            good.send(b"good")
            assert [frame for _, frame in await _receive(channel, 1)] == [b"good"]
            hostile.close()
            good.close()


async def test_closing_ends_the_wait_and_a_taken_port_is_named() -> None:
    async with RouterChannel(FREE, max_frame_bytes=100) as channel:
        with pytest.raises(StartupError, match="set INGEST_ACKS_ENDPOINT to another one"):
            RouterChannel(channel.endpoint, max_frame_bytes=100, setting="INGEST_ACKS_ENDPOINT")
        waiting = asyncio.ensure_future(channel.receive())
        await asyncio.sleep(0)
        channel.close()
        assert await asyncio.wait_for(waiting, 5) == []
