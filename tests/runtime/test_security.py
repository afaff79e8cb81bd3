"""Who may connect: keys and lists, on real sockets of the loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import structlog
import zmq

from telemetry_client import CurveKeys, Publisher
from telemetry_runtime import REFUSED_REASONS, RefusedPeers, StartupError
from telemetry_runtime.fakes import FakeClock
from telemetry_runtime.settings import ServiceSettings
from telemetry_runtime.transport import EdgePullSource, EndpointSecurity, PullSource, PushSink, new_key_pair
from telemetry_runtime.transport.curve import CurveClient
from tests.helpers.keys import Keys
from tests.helpers.ports import held_port, room_for_files

FREE = "tcp://127.0.0.1:*"
LINGER_S = 0.3


class Door:
    """An endpoint of ingest's that asks for keys, with a bot called `bot` on the list."""

    def __init__(self, keys: Keys, source: EdgePullSource, clock: FakeClock, refused: RefusedPeers) -> None:
        self.keys, self.source, self.clock, self.refused = keys, source, clock, refused

    async def send(self, curve: CurveKeys | None, linger_s: float = LINGER_S) -> bool:
        """Whether a publisher with these keys says that its trade went out."""
        publisher = Publisher(self.source.endpoint, "bot", curve=curve, linger_s=linger_s)
        publisher.trade("BTC-USD", "buy", 1, 1)
        return await asyncio.to_thread(publisher.close)

    async def came(self, within_s: float = 10.0) -> int:
        """How many trades came in with the next burst that has any; reports about runs may come with or after them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    frames = (await self.source.receive()).frames
                    if trades := sum(b'"type":"trade"' in frame for frame in frames):
                        return trades
        return 0

    async def is_refused(self, *reasons: str) -> None:
        """Returns once a peer was refused for one of these."""
        await _refused_at(self.refused, *reasons)


async def _refused_at(refused: RefusedPeers, *reasons: str) -> None:
    async with asyncio.timeout(10):
        # libzmq's threads know nothing of our events.
        while not any(refused.counts[reason] for reason in REFUSED_REASONS if not reasons or reason in reasons):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys.make(tmp_path / "keys")
    keys.add("bot")
    return keys


def settings_of(keys: Keys) -> ServiceSettings:
    return ServiceSettings(
        curve_secret_file=str(keys.secret("ingest")), curve_services_dir=str(keys.folder / "services")
    )


@pytest.fixture
async def door(keys: Keys) -> AsyncIterator[Door]:
    clock = FakeClock()
    security = EndpointSecurity(settings_of(keys), clock, {"trades": ["ui"]}, {"trades": str(keys.folder / "clients")})
    authenticator = security.authenticator()
    assert authenticator is not None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(authenticator)
        refused = security.refused_at("trades")
        source = EdgePullSource(FREE, curve=security.server("trades"), refused=refused)
        await stack.enter_async_context(source)
        running = asyncio.create_task(authenticator.run())
        yield Door(keys, source, clock, refused)
        running.cancel()


async def test_a_client_on_the_list_gets_in(door: Door) -> None:
    assert await door.send(door.keys.of_client("bot"), linger_s=10)
    assert await door.came() == 1
    assert sum(door.refused.counts.values()) == 0


async def test_without_a_key_nothing_gets_in(door: Door) -> None:
    assert not await door.send(None)
    await door.is_refused("protocol", "no_handshake")  # whichever end notices first
    assert await door.came(0.2) == 0


async def test_with_the_wrong_key_of_the_server_nothing_gets_in(door: Door) -> None:
    other, _ = new_key_pair()
    assert not await door.send(CurveKeys(other))
    await door.is_refused("protocol", "no_handshake")  # whichever end notices first
    assert await door.came(0.2) == 0


async def test_with_a_key_that_is_not_on_the_list_nothing_gets_in(door: Door) -> None:
    server = door.keys.of_client("bot").server
    with structlog.testing.capture_logs() as lines:
        assert not await door.send(CurveKeys(server, *new_key_pair()))
        await door.is_refused("unknown_key")
    assert await door.came(0.2) == 0
    refusals = [line for line in lines if line["event"] == "peer_refused"]
    assert len(refusals) == 1, "it tried several times within the minute"
    assert len(refusals[0]["public_key"]) == 40
    assert refusals[0]["address"] == "127.0.0.1"


async def test_a_service_that_has_no_business_there_is_refused_though_it_has_a_key(door: Door) -> None:
    assert not await door.send(door.keys.of_client("analytics"))
    await door.is_refused("unknown_key")
    assert await door.send(door.keys.of_client("ui"), linger_s=10)


async def test_a_key_that_is_taken_off_the_list_is_refused_at_the_next_handshake(door: Door) -> None:
    assert await door.send(door.keys.of_client("bot"), linger_s=10)
    door.keys.revoke("bot")
    await door.clock.advance(1.1)
    assert not await door.send(door.keys.of_client("bot"))
    await door.is_refused("unknown_key")
    assert await door.came() == 1
    assert await door.came(0.2) == 0


async def test_an_open_connection_of_a_key_that_is_taken_off_the_list_lasts_until_it_ends(door: Door) -> None:
    with Publisher(door.source.endpoint, "bot", curve=door.keys.of_client("bot"), linger_s=10) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 1)
        assert await door.came() == 1
        door.keys.revoke("bot")
        await door.clock.advance(1.1)
        publisher.trade("BTC-USD", "buy", 1, 1)
        assert await door.came() == 1


async def test_a_client_that_is_put_on_the_list_while_it_tries_gets_in_with_what_it_had_queued(door: Door) -> None:
    door.keys.add("late")
    keys = door.keys.of_client("late")
    door.keys.revoke("late")
    publisher = Publisher(door.source.endpoint, "bot", curve=keys, linger_s=10)
    publisher.trade("BTC-USD", "buy", 1, 1)
    await door.is_refused("unknown_key")
    assert door.refused.counts == {"unknown_key": 1, "protocol": 0, "no_handshake": 0}
    door.keys.public("late").write_text(f"{keys.public}\n")
    await door.clock.advance(1.1)
    assert await door.came() == 1
    assert await asyncio.to_thread(publisher.close)
    assert door.refused.counts == {"unknown_key": 1, "protocol": 0, "no_handshake": 0}


async def test_a_damaged_file_keeps_out_its_owner_and_nobody_else(door: Door) -> None:
    door.keys.add("second")
    second = door.keys.of_client("second")
    door.keys.public("bot").write_text("half a k")
    with structlog.testing.capture_logs() as lines:
        assert await door.send(second, linger_s=10)
        assert not await door.send(door.keys.of_client("bot"))
    assert [line["count"] for line in lines if line["event"] == "keys_not_usable"] == [1]
    assert "half a k" not in str(lines)


async def test_a_list_that_is_gone_lets_nobody_in_and_everybody_again_once_it_is_back(door: Door) -> None:
    (door.keys.folder / "clients").rename(door.keys.folder / "elsewhere")
    assert not await door.send(door.keys.of_client("bot"))
    (door.keys.folder / "elsewhere").rename(door.keys.folder / "clients")
    await door.clock.advance(1.1)
    assert await door.send(door.keys.of_client("bot"), linger_s=10)


async def test_nobody_gets_in_while_no_authenticator_runs(keys: Keys) -> None:
    security = EndpointSecurity(settings_of(keys), FakeClock(), {"trades": ["ui"]})
    async with EdgePullSource(FREE, curve=security.server("trades")) as source:
        door = Door(keys, source, FakeClock(), security.refused_at("trades"))
        assert not await door.send(keys.of_client("ui"))
        assert await door.came(0.2) == 0


async def test_a_producer_tries_again_when_the_other_end_comes_back_with_the_right_keys(keys: Keys) -> None:
    security = EndpointSecurity(settings_of(keys), FakeClock(), {"batches": ["ingest"]})
    authenticator = security.authenticator()
    assert authenticator is not None
    with held_port() as port:
        endpoint = f"tcp://127.0.0.1:{port}"
        refused = RefusedPeers("batches", monotonic_ns=FakeClock().monotonic_ns)
        async with PushSink(endpoint, curve=security.client("ingest")) as sink:
            async with PullSource(endpoint, refused=refused):
                await _refused_at(refused)
            async with authenticator, await _rebound(endpoint, security) as source:
                running = asyncio.create_task(authenticator.run())
                sending = asyncio.create_task(_send_until_it_arrives(sink))
                async with asyncio.timeout(20):
                    assert await source.receive()
                sending.cancel()
                running.cancel()


@pytest.mark.parametrize("has_keys", [False, True], ids=["keys where it has none", "no keys where it has some"])
async def test_a_producer_gets_through_after_the_wrong_other_end_a_second_time_too(*, has_keys: bool) -> None:
    public, secret = zmq.curve_keypair()
    curve = CurveClient(public, *zmq.curve_keypair()) if has_keys else None
    with held_port() as port:
        endpoint = f"tcp://127.0.0.1:{port}"
        async with PushSink(endpoint, curve=curve) as sink:
            sending = asyncio.create_task(_send_until_it_arrives(sink))
            for _ in range(2):
                with _pull_at(endpoint, None if has_keys else secret) as wrong:
                    assert not await asyncio.to_thread(wrong.poll, 500)
                with _pull_at(endpoint, secret if has_keys else None) as right:
                    assert await asyncio.to_thread(right.poll, 20_000)
            sending.cancel()


@contextmanager
def _pull_at(endpoint: str, secret: bytes | None) -> Iterator["zmq.Socket[bytes]"]:
    """The other end, with keys or without; the port is free again afterwards."""
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        if secret is not None:
            pull.curve_server, pull.curve_secretkey = True, secret
        pull.bind(endpoint)
        yield pull


async def _rebound(endpoint: str, security: EndpointSecurity) -> PullSource:
    async with asyncio.timeout(10):
        while True:
            try:
                return PullSource(endpoint, curve=security.server("batches"))
            except StartupError:  # libzmq's thread has not let go of the port yet
                await asyncio.sleep(0.01)


async def _send_until_it_arrives(sink: PushSink) -> None:
    while True:
        sink.try_send([b"x"])
        await asyncio.sleep(0.05)


@contextmanager
def half_open(port: int, count: int) -> Iterator[None]:
    """Connections that say nothing."""
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        yield
    finally:
        for each in connections:
            each.close()


async def test_a_thousand_half_open_connections_keep_no_client_out(door: Door) -> None:
    port = int(door.source.endpoint.rpartition(":")[2])
    with room_for_files(4_000), half_open(port, 1_000):
        assert await door.send(door.keys.of_client("bot"), linger_s=10)
        assert await door.came() == 1
    await door.is_refused("no_handshake")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "holds no key"),
        ("x" * 39, "holds no key"),
        ("# only a comment", "holds no key"),
        ("é" * 40, "holds no key"),
    ],
)
def test_a_secret_that_is_none_is_one_clear_line_without_what_it_holds(keys: Keys, text: str, why: str) -> None:
    keys.secret("ingest").write_text(text)
    with pytest.raises(StartupError, match=why) as caught:
        EndpointSecurity(settings_of(keys), FakeClock(), {})
    assert not text or text not in str(caught.value)


def test_a_secret_that_everybody_may_read_is_refused(keys: Keys) -> None:
    keys.secret("ingest").chmod(0o644)
    with pytest.raises(StartupError, match="others may read"):
        EndpointSecurity(settings_of(keys), FakeClock(), {})


@pytest.mark.parametrize("setting", ["curve_services_dir", "curve_clients_dir"])
def test_keys_of_others_without_one_of_our_own_are_refused_as_nothing_would_be_encrypted(
    keys: Keys, setting: str
) -> None:
    folder = str(keys.public("ui", "services").parent)
    settings = ServiceSettings(curve_services_dir=folder if setting == "curve_services_dir" else "")
    clients = {"trades": folder} if setting == "curve_clients_dir" else {}
    with pytest.raises(StartupError, match=f"{setting.upper()} is set: without CURVE_SECRET_FILE"):
        EndpointSecurity(settings, FakeClock(), {"trades": []}, clients)


def test_a_missing_public_key_of_a_service_is_one_clear_line(keys: Keys) -> None:
    keys.public("ui", "services").unlink()
    security = EndpointSecurity(settings_of(keys), FakeClock(), {})
    with pytest.raises(StartupError, match="public key of ui"):
        security.client("ui")


@pytest.mark.parametrize(
    ("endpoint", "warns"),
    [
        ("tcp://127.0.0.1:5555", False),
        ("tcp://[::1]:5555", False),
        ("tcp://localhost:5555", False),
        ("ipc:///run/x", False),
        ("tcp://0.0.0.0:5555", True),
        ("tcp://*:5555", True),
        ("tcp://[::]:5555", True),
        ("tcp://eth0:5555", True),
        ("tcp://192.168.1.4:5555", True),
    ],
)
def test_an_endpoint_without_keys_that_others_reach_is_warned_of(endpoint: str, *, warns: bool) -> None:
    with structlog.testing.capture_logs() as lines:
        EndpointSecurity(ServiceSettings(), FakeClock(), {}).warn_if_open(endpoint, "X_ENDPOINT")
        EndpointSecurity(ServiceSettings(trust_network=True), FakeClock(), {}).warn_if_open(endpoint, "X_ENDPOINT")
    assert len(lines) == warns


def test_with_keys_nothing_is_warned_of(keys: Keys) -> None:
    security = EndpointSecurity(settings_of(keys), FakeClock(), {"trades": ["ui"]})
    with structlog.testing.capture_logs() as lines:
        security.warn_if_open("tcp://0.0.0.0:5555", "X_ENDPOINT")
    assert lines == []
