"""A durable publisher that meets an ingest that cannot be its own, for a while, on one of its connections or both."""

from pathlib import Path

import pytest
import zmq

from telemetry_client import CurveKeys, Publisher
from tests.client.durable.durable_ingest import DurableIngest
from tests.client.durable.test_durable_publisher import ingest as ingest  # noqa: PLC0414 - a fixture
from tests.client.durable.test_durable_publisher import trade
from tests.helpers.services import eventually

SERVER_PUBLIC, SERVER_SECRET = zmq.curve_keypair()


def durable(ingest: DurableIngest, path: Path, curve: CurveKeys | None = None) -> Publisher:
    return Publisher(
        ingest.endpoint, "bot", durable=path / "queue", acks_endpoint=ingest.acks_endpoint, curve=curve, linger_s=20
    )


@pytest.mark.parametrize("has_keys", [False, True], ids=["keys where it has none", "no keys where it has some"])
def test_all_comes_to_the_right_ingest_a_second_time_too(
    ingest: DurableIngest, tmp_path: Path, *, has_keys: bool
) -> None:
    right, wrong = (SERVER_SECRET, None) if has_keys else (None, SERVER_SECRET)
    with durable(ingest, tmp_path, CurveKeys(SERVER_PUBLIC.decode()) if has_keys else None) as publisher:
        for count in (20, 40):
            ingest.secret = wrong
            ingest.start()
            trade(publisher, 10)
            assert not publisher.flush(0.5)
            trade(publisher, 10)
            ingest.kill()
            ingest.secret = right
            ingest.start()
            assert ingest.wait_for(count) == list(range(count))
            assert publisher.flush(20)
            ingest.kill()
        ingest.start()
    assert publisher.stats().unflushed_messages == 0


def test_acknowledgements_are_asked_for_again_where_another_program_was_at_their_address(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as trades, context.socket(zmq.PUB) as other:
        trades.linger = other.linger = 0
        trades.bind(ingest.endpoint)
        other.bind(ingest.acks_endpoint)  # libzmq leaves it at one try with a socket of another type
        publisher = durable(ingest, tmp_path)
        trade(publisher, 3)
        eventually(lambda: publisher._outbox._link.is_connected, what="a connection for trades")  # type: ignore[attr-defined]
        assert not publisher.flush(0.5)
        other.unbind(ingest.acks_endpoint)
        with context.socket(zmq.ROUTER) as router:
            router.linger = 0
            eventually(lambda: _is_bound(router, ingest.acks_endpoint), what="the address of acknowledgements")
            assert router.poll(20_000), "nobody asks"
    ingest.start()
    assert publisher.close()
    assert ingest.seqs() == [0, 1, 2]


def _is_bound(router: "zmq.Socket[bytes]", endpoint: str) -> bool:
    try:
        router.bind(endpoint)
    except zmq.ZMQError:  # the other one's thread has not let go of it yet
        return False
    return True
