"""Handshakes that fail, reported by libzmq or silent: every kind of peer, plain and with keys, on real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import structlog
import zmq
from hypothesis import given
from hypothesis import strategies as st

from telemetry_runtime import RefusedPeers
from telemetry_runtime.fakes import FakeClock
from telemetry_runtime.transport import CurveServer, PullSource, PushSink
from telemetry_runtime.transport.handshakes import DECIDED_AFTER_S, HandshakeTally, monitor_of
from tests.helpers.ports import held_port

WRONG_TYPES = ["PULL", "PUB", "XPUB", "SUB", "XSUB", "REQ", "REP", "DEALER", "ROUTER", "PAIR"]
NO_ZEROMQ = [b"", b"x", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 200, b"\xff" + bytes(8) + b"\x7f\x03\0NULL"]


@contextmanager
def zeromq_peer(kind: int, endpoint: str, keys: tuple[bytes, bytes] | None = None) -> Iterator[None]:
    """A peer with a socket of this type, which keeps trying."""
    with zmq.Context() as context, context.socket(kind) as peer:
        peer.linger = 0
        if keys:
            peer.curve_serverkey = keys[0]
            peer.curve_publickey, peer.curve_secretkey = zmq.curve_keypair()
        peer.connect(endpoint)
        yield


def tcp_peer(said: bytes, endpoint: str) -> AbstractContextManager[socket.socket]:
    """A peer that says something, and then nothing."""
    connection = socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])))
    connection.sendall(said)
    return connection


class Door:
    """A bound endpoint and its count of refused peers; with keys where `keys` are given, and open to every key."""

    def __init__(self, keys: tuple[bytes, bytes] | None = None) -> None:
        self.keys = keys
        self.refused = RefusedPeers("trades", monotonic_ns=FakeClock().monotonic_ns)
        curve = CurveServer(keys[1]) if keys else None
        self.source = PullSource("tcp://127.0.0.1:*", curve=curve, refused=self.refused)

    @property
    def total(self) -> int:
        return sum(self.refused.counts.values())

    async def refuses(self, at_least: int = 1) -> None:
        async with asyncio.timeout(20):
            while self.total < at_least:  # noqa: ASYNC110 - libzmq's threads know nothing of our events
                await asyncio.sleep(0.01)


@pytest.fixture(params=[False, True], ids=["plain", "keys"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    door = Door(zmq.curve_keypair() if request.param else None)
    async with door.source:
        yield door


@pytest.mark.parametrize("kind", WRONG_TYPES)
async def test_a_peer_whose_socket_is_of_another_type_is_counted(door: Door, kind: str) -> None:
    with structlog.testing.capture_logs() as lines, zeromq_peer(getattr(zmq, kind), door.source.endpoint, door.keys):
        await door.refuses()
    refusals = [line for line in lines if line["event"] == "peer_refused"]
    assert len(refusals) == 1
    assert "PUSH" in refusals[0]["hint"]


@pytest.mark.parametrize("said", NO_ZEROMQ)
async def test_a_peer_that_speaks_no_zeromq_is_counted_once_it_has_left(door: Door, said: bytes) -> None:
    with tcp_peer(said, door.source.endpoint):
        pass
    await door.refuses()
    assert door.total == 1


async def test_a_web_browser_that_stays_is_counted_all_the_same(door: Door) -> None:
    with tcp_peer(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", door.source.endpoint):
        await door.refuses()


async def test_a_peer_that_says_nothing_is_cut_off(door: Door) -> None:
    with tcp_peer(b"", door.source.endpoint) as peer:
        await door.refuses()
        peer.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            while await asyncio.to_thread(peer.recv, 4096):
                pass
    assert door.total == 1


async def test_a_port_scan_is_counted(door: Door) -> None:
    for _ in range(20):
        tcp_peer(b"", door.source.endpoint).__exit__(None, None, None)
    await door.refuses(at_least=20)
    assert door.total == 20


async def test_a_hundred_peers_that_push_are_none(door: Door) -> None:
    with contextlib.ExitStack() as peers:
        for _ in range(100):
            peers.enter_context(zeromq_peer(zmq.PUSH, door.source.endpoint, door.keys))
        with zeromq_peer(zmq.SUB, door.source.endpoint, door.keys):
            await door.refuses()
    counted = door.total
    with zmq.Context() as context, context.socket(zmq.PUSH) as peer:
        if door.keys:
            peer.curve_serverkey = door.keys[0]
            peer.curve_publickey, peer.curve_secretkey = zmq.curve_keypair()
        peer.connect(door.source.endpoint)
        peer.send(b"good")
        async with asyncio.timeout(10):
            assert [bytes(frame) for [frame] in await door.source.receive()] == [b"good"]
    # The one that is no PUSH tries each 100 ms until its context has ended.
    assert counted < 100


async def test_thousands_of_unread_events_block_nobody() -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as bound:
        bound.linger = 0
        monitor = monitor_of(bound, zmq.EVENT_ALL, unread_events=0)
        port = bound.bind_to_random_port("tcp://127.0.0.1")
        for _ in range(800):
            tcp_peer(b"", f"tcp://127.0.0.1:{port}").__exit__(None, None, None)
        with context.socket(zmq.PUSH) as peer:
            peer.connect(f"tcp://127.0.0.1:{port}")
            peer.send(b"good")
            assert bound.poll(10_000)
        bound.disable_monitor()
        monitor.close(linger=0)


@pytest.mark.parametrize("other", [zmq.REP, zmq.PUB, zmq.PAIR, zmq.DEALER])
async def test_a_producer_goes_on_once_the_other_end_is_a_consumer(other: int) -> None:
    with held_port() as port:
        endpoint = f"tcp://127.0.0.1:{port}"
        async with PushSink(endpoint) as sink:
            with zmq.Context() as context, context.socket(other) as wrong:
                monitor = monitor_of(wrong, zmq.EVENT_DISCONNECTED, unread_events=0)
                wrong.bind(endpoint)
                assert await asyncio.to_thread(monitor.poll, 10_000)
                wrong.disable_monitor()
                monitor.close(linger=0)
            async with await _bound(endpoint) as source:
                sending = asyncio.create_task(_send_until_it_arrives(sink))
                async with asyncio.timeout(20):
                    assert await source.receive()
                sending.cancel()


async def _bound(endpoint: str) -> PullSource:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Exception):  # libzmq's thread has not let go of the port yet
                return PullSource(endpoint)
            await asyncio.sleep(0.01)


async def _send_until_it_arrives(sink: PushSink) -> None:
    while True:
        sink.try_send([b"x"])
        await asyncio.sleep(0.05)


def test_a_silent_end_is_found_at_once_while_no_other_handshake_is_open() -> None:
    tally = HandshakeTally()
    tally.began(5, 0.0)
    assert tally.silent_ends(0.0) == 0
    tally.ended(5)
    assert tally.silent_ends(0.0) == 1
    assert not tally.is_waiting


def test_a_silent_end_beside_open_handshakes_is_found_once_these_are_decided() -> None:
    tally = HandshakeTally()
    tally.began(5, 0.0)
    tally.began(6, 0.1)
    tally.ended(5)
    assert tally.silent_ends(0.2) == 1, "of the two, one is open and may still succeed; the other has ended"
    tally.began(7, 0.3)
    tally.decided()
    tally.decided()
    assert tally.silent_ends(DECIDED_AFTER_S + 1) == 0


def test_a_connection_that_worked_and_ended_is_no_silent_end() -> None:
    tally = HandshakeTally()
    tally.began(5, 0.0)
    tally.decided()
    tally.ended(5)
    assert tally.silent_ends(100.0) == 0


def test_one_that_is_reported_twice_hides_no_later_one() -> None:
    tally = HandshakeTally()
    tally.began(5, 0.0)
    tally.decided()
    tally.decided()
    tally.ended(5)
    assert tally.silent_ends(0.0) == 0
    tally.began(5, 1.0)
    tally.ended(5)
    assert tally.silent_ends(1.0) == 1


def end(tally: HandshakeTally, fd: int, how: str) -> None:
    """A handshake ends: well, as failed, or silently."""
    if how != "silent":
        tally.decided()
    if how != "good":
        tally.ended(fd)


@given(st.lists(st.tuples(st.sampled_from(["good", "failed", "silent"]), st.floats(0, 5)), max_size=40), st.data())
def test_all_silent_ends_are_found_and_no_others(peers: list[tuple[str, float]], data: st.DataObject) -> None:
    tally, found, now_s = HandshakeTally(), 0, 0.0
    open_peers: list[tuple[float, int, str]] = []
    for fd, (kind, takes_s) in enumerate(peers):
        now_s += data.draw(st.floats(0, 2))
        for end_s, other, how in [peer for peer in open_peers if peer[0] <= now_s]:
            end(tally, other, how)
            open_peers.remove((end_s, other, how))
        tally.began(fd, now_s)
        open_peers.append((now_s + takes_s, fd, kind))
        found += tally.silent_ends(now_s)
        assert found <= sum(how == "silent" for how, _ in peers[: fd + 1])
    for _, fd, how in open_peers:
        end(tally, fd, how)
    found += tally.silent_ends(now_s + 2 * DECIDED_AFTER_S)
    assert found == sum(how == "silent" for how, _ in peers)
