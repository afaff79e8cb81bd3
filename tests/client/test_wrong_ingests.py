"""A publisher that meets an ingest that cannot be its own, for a while: it tries on, and what it had queued is kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import zmq

from telemetry_client import CurveKeys, Publisher
from telemetry_client.connection import Connection
from telemetry_client.outbox import MemoryOutbox
from tests.client.conftest import Receiver
from tests.helpers.services import eventually

SERVER_PUBLIC, SERVER_SECRET = (key.decode() for key in zmq.curve_keypair())
KEYS = CurveKeys(SERVER_PUBLIC)
WITH_KEYS: dict[str, Any] = {"curve_server": True, "curve_secretkey": SERVER_SECRET.encode()}
WITHOUT: dict[str, Any] = {}


class World(NamedTuple):
    """What a publisher connects with, which ingest is its own, and which is none."""

    curve: CurveKeys | None
    right: dict[str, Any]
    wrong: dict[str, Any]


WORLDS = {
    "keys where it has none": World(None, WITHOUT, WITH_KEYS),
    "no keys where it has some": World(KEYS, WITH_KEYS, WITHOUT),
}


def send(publisher: Publisher, count: int) -> None:
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 1), "a trade that was dropped"


def connection_of(publisher: Publisher) -> Connection:
    assert isinstance(publisher._outbox, MemoryOutbox)
    return publisher._outbox._connection


def look(publisher: Publisher, see: Callable[[Connection], bool]) -> bool:
    """Looks at the connection as the heartbeat does, that two threads are not in it at once."""
    assert isinstance(publisher._outbox, MemoryOutbox)
    with publisher._outbox.lock:
        connection_of(publisher).is_connected()
        return see(connection_of(publisher))


def wait_given_up(publisher: Publisher, made: int) -> None:
    """Until libzmq has given up the last of so many connections, or later ones."""
    eventually(lambda: look(publisher, lambda seen: seen.times_made > made or seen.is_given_up), what="giving up")


def wait_connected(publisher: Publisher, *, is_connected: bool = True) -> None:
    eventually(lambda: look(publisher, lambda seen: seen.is_connected() == is_connected), what=f"{is_connected=}")


@pytest.fixture(params=list(WORLDS.values()), ids=list(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.param
    return found


def test_the_right_ingest_gets_all_that_the_wrong_one_did_not_a_second_time_too(away: Receiver, world: World) -> None:
    with Publisher(away.endpoint, curve=world.curve, linger_s=30) as publisher:
        for first in (0, 30):
            away.bind(**world.wrong)
            send(publisher, 10)  # some of them before the handshake has failed, perhaps
            wait_given_up(publisher, connection_of(publisher).times_made)
            send(publisher, 10)
            away.unbind()
            send(publisher, 5)
            away.bind(**world.right)
            send(publisher, 5)
            assert away.seqs(30) == list(range(first, first + 30))
            wait_connected(publisher)
            away.unbind()
            wait_connected(publisher, is_connected=False)
        assert publisher.stats().dropped_trades == 0
        away.bind(**world.right)


def test_a_quiet_bot_is_heard_once_ingest_comes_right(away: Receiver, world: World) -> None:
    away.bind(**world.wrong)
    publisher = Publisher(away.endpoint, curve=world.curve)
    send(publisher, 1)
    wait_given_up(publisher, 1)
    away.unbind()
    away.bind(**world.right)
    assert away.seqs(1) == [0]  # nobody calls it: its heartbeat tries again
    assert publisher.close()


def test_a_publisher_that_nobody_called_while_ingest_was_wrong_sends_afterwards(away: Receiver, world: World) -> None:
    away.bind(**world.wrong)
    publisher = Publisher(away.endpoint, curve=world.curve, linger_s=30)
    # Nobody takes the events: they are only looked at.
    assert connection_of(publisher)._monitor.poll(20_000)
    away.unbind()
    away.bind(**world.right)
    send(publisher, 3)
    assert publisher.close()
    assert away.seqs(3) == [0, 1, 2]


@pytest.mark.parametrize("before", [0, 3, 6])
def test_at_a_wrong_ingest_each_message_is_counted_whenever_the_handshake_fails(
    away: Receiver, world: World, before: int
) -> None:
    """Messages that were sent before the handshake had failed, and after it."""
    publisher = Publisher(away.endpoint, curve=world.curve, linger_s=0.3)
    send(publisher, before)
    away.bind(**world.wrong)
    wait_given_up(publisher, 1)
    send(publisher, 6 - before)
    assert not publisher.close()
    assert publisher.stats().unflushed_messages == 6


def test_a_queue_that_is_full_at_a_wrong_ingest_drops_and_counts_and_keeps_the_rest(
    away: Receiver, world: World
) -> None:
    away.bind(**world.wrong)
    with Publisher(away.endpoint, curve=world.curve, max_queued_messages=10, linger_s=30) as publisher:
        wait_given_up(publisher, 1)
        queued = [publisher.trade("BTC-USD", "buy", 1, 1) for _ in range(15)]
        assert queued == [True] * 10 + [False] * 5
        assert publisher.stats().dropped_trades == 5
        away.unbind()
        away.bind(**world.right)
        assert away.seqs(10) == list(range(10))
        eventually(lambda: publisher.trade("BTC-USD", "buy", 1, 1), what="room")
        assert away.trade().seq == publisher.sent_trades + publisher.dropped_trades - 1


def test_what_waits_for_room_gets_it_from_the_right_ingest(away: Receiver, world: World) -> None:
    away.bind(**world.wrong)
    with Publisher(away.endpoint, curve=world.curve, max_queued_messages=2, block_s=30, linger_s=30) as publisher:
        wait_given_up(publisher, 1)
        send(publisher, 2)
        waiting = threading.Thread(target=send, args=(publisher, 1))
        waiting.start()
        away.unbind()
        away.bind(**world.right)
        assert away.seqs(3) == [0, 1, 2]
        waiting.join()


def test_a_flush_waits_for_the_right_ingest_and_not_for_a_wrong_one(away: Receiver, world: World) -> None:
    away.bind(**world.wrong)
    publisher = Publisher(away.endpoint, curve=world.curve, linger_s=0)
    send(publisher, 3)
    assert not publisher.flush(0.3)
    away.unbind()
    coming = threading.Timer(0.2, away.bind, kwargs=world.right)
    coming.start()
    assert publisher.flush(30)
    coming.join()
    assert away.seqs(3) == [0, 1, 2]
    publisher.close()


def test_what_may_be_lost_with_a_queue_that_an_ingest_had_begun_to_read_is_counted(
    away: Receiver, world: World
) -> None:
    symbol = "X" * 100
    away.bind(rcvhwm=1, rcvbuf=4096, **world.right)
    with Publisher(away.endpoint, curve=world.curve, max_queued_messages=20_000, linger_s=30) as publisher:
        send(publisher, 1)
        wait_connected(publisher)
        for _ in range(19_000):  # 6 MB: more than the system's buffers take
            assert publisher.trade(symbol, "buy", 1, 1)
        away.unbind()
        away.bind(**world.wrong)
        wait_given_up(publisher, 1)
        send(publisher, 3)
        away.unbind()
        away.bind(**world.right)
        seqs = away.seqs(3)
        assert seqs == [19_001, 19_002, 19_003]
        lost = publisher.stats().unflushed_messages
        assert 0 < lost <= publisher.sent_trades
    assert publisher.stats().unflushed_messages == lost


@contextmanager
def socket_at(endpoint: str, kind: int) -> Iterator[None]:
    """A socket of that type at the address."""
    with zmq.Context() as context, context.socket(kind) as other:
        other.linger = 0
        other.bind(endpoint)
        yield


@pytest.mark.parametrize("curve", [None, KEYS], ids=["plain", "keys"])
@pytest.mark.parametrize("kind", [zmq.SUB, zmq.ROUTER, zmq.PUSH])
def test_a_socket_of_another_type_at_the_address_does_no_lasting_harm(
    away: Receiver, kind: int, curve: CurveKeys | None
) -> None:
    right = WITH_KEYS if curve else WITHOUT
    with Publisher(away.endpoint, curve=curve, linger_s=30) as publisher:
        for first in (0, 6):
            with socket_at(away.endpoint, kind):
                send(publisher, 3)
                assert not publisher.flush(0.3)
            away.bind(**right)
            send(publisher, 3)
            assert away.seqs(6) == list(range(first, first + 6))
            wait_connected(publisher)
            away.unbind()
            wait_connected(publisher, is_connected=False)
        away.bind(**right)
