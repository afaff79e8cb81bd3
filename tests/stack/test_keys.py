"""The composed stack with keys on every connection: who has none, a wrong one, or one that was taken away stays out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from telemetry_client import CurveKeys, Publisher
from telemetry_runtime.transport import new_key_pair
from tests.helpers.compose import COMPOSE_FILE, ROOT, Stack, docker, eventually, published_ports
from tests.helpers.keys import SERVICES, Keys
from tests.helpers.services import free_ports
from tests.stack.conftest import BUILD_LIMIT_S, UP_LIMIT_S

pytestmark = [pytest.mark.stack, pytest.mark.timeout(BUILD_LIMIT_S + UP_LIMIT_S + 60)]

TRADES = 20


class Guarded:
    """A stack with keys of its own, with the bots `bot` and `other` on the list."""

    def __init__(self, stack: Stack, keys: Keys) -> None:
        self.stack, self.keys = stack, keys

    def send(self, curve: CurveKeys | None, *, linger_s: float) -> bool:
        """Whether a publisher with these keys says that its trades went out."""
        publisher = Publisher(self.stack.trades_endpoint, "bot", curve=curve, linger_s=linger_s)
        for _ in range(TRADES):
            publisher.trade("KEY-USD", "buy", 1, 100)
        return publisher.close()

    def received(self) -> float:
        """Messages of any outcome that ingest has got."""
        return self.stack.metric("INGEST_METRICS_PORT", "telemetry_messages_total", service="ingest")

    def refused(self, *reasons: str) -> float:
        """Peers that were refused at the trades port for these reasons."""
        name = "telemetry_refused_peers_total"
        return sum(
            self.stack.metric("INGEST_METRICS_PORT", name, endpoint="trades", reason=reason) for reason in reasons
        )

    def stays_out(self, curve: CurveKeys | None, *reasons: str) -> None:
        """Sends in vain: refused for one of these reasons, and nothing gets in."""
        refused, received = self.refused(*reasons), self.received()
        assert not self.send(curve, linger_s=1.0)
        eventually(lambda: self.refused(*reasons) > refused or None, "the peer being refused")
        assert self.received() == received


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = Keys.make(folder / "keys")
    for name in ("bot", "other"):
        keys.add(name)
    for name in SERVICES:
        keys.secret(name).chmod(0o640)  # as `make keys ARGS=--group` does
    ports = dict(zip(published_ports(), free_ports(len(published_ports())), strict=True))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INGEST_FEEDS", "")
        environment.setenv("KEYS_GID", str(os.getgid()))
        for name, port in ports.items():
            environment.setenv(name, str(port))
        files = [COMPOSE_FILE, ROOT / "docker-compose.curve.yml", with_keys_in(folder, keys)]
        stack = Stack(f"tt-keys-{os.getpid()}", tuple(word for file in files for word in ("-f", str(file))), ports)
        try:
            stack.compose("build", "--quiet", *SERVICES, timeout_s=BUILD_LIMIT_S)
            stack.compose("up", "--detach", "--wait", *SERVICES, timeout_s=UP_LIMIT_S)
            yield Guarded(stack, keys)
        finally:
            docker("compose", "-p", stack.project, *stack.files, "down", "--volumes", timeout_s=120, check=False)
            shutil.rmtree(folder, ignore_errors=True)


def with_keys_in(folder: Path, keys: Keys) -> Path:
    """An override whose keys are elsewhere than in ./keys."""
    services = f"{keys.folder / 'services'}:/keys/services:ro"
    content = {
        "services": {
            "ingest": {"volumes": [services, f"{keys.folder / 'clients'}:/keys/clients:ro"]},
            "analytics": {"volumes": [services]},
            "ui": {"volumes": [services]},
        },
        "secrets": {f"{name}-curve": {"file": str(keys.secret(name))} for name in SERVICES},
    }
    override = folder / "keys.yml"
    override.write_text(yaml.safe_dump(content), encoding="utf-8")
    return override


def test_with_keys_on_every_hop_trades_are_applied_and_acknowledged(guarded: Guarded) -> None:
    assert guarded.send(guarded.keys.of_client("bot"), linger_s=20)
    eventually(
        lambda: (
            guarded.stack.metric("ANALYTICS_METRICS_PORT", "trading_trades_total", symbol="KEY-USD") == TRADES or None
        ),
        "the trades being applied",
    )
    guarded.stack.wait_until_applied()
    refused = [
        guarded.stack.metric(port, "telemetry_refused_peers_total")
        for port in ("INGEST_METRICS_PORT", "ANALYTICS_METRICS_PORT", "UI_METRICS_PORT")
    ]
    assert refused == [0, 0, 0]


def test_without_a_key_nothing_gets_in(guarded: Guarded) -> None:
    guarded.stays_out(None, "protocol", "no_handshake")


def test_with_a_wrong_key_of_the_server_nothing_gets_in(guarded: Guarded) -> None:
    other, _ = new_key_pair()
    guarded.stays_out(CurveKeys(other), "protocol", "no_handshake")


def test_with_a_key_that_is_on_no_list_nothing_gets_in(guarded: Guarded) -> None:
    guarded.stays_out(CurveKeys(guarded.keys.of_client("bot").server, *new_key_pair()), "unknown_key")


def test_a_service_that_sends_no_trades_stays_out_though_it_has_a_key(guarded: Guarded) -> None:
    guarded.stays_out(guarded.keys.of_client("analytics"), "unknown_key")


def test_with_a_key_that_was_taken_off_the_list_nothing_gets_in_after_a_restart_either(guarded: Guarded) -> None:
    bot = guarded.keys.of_client("bot")
    guarded.keys.revoke("bot")
    eventually(lambda: None if guarded.send(bot, linger_s=0.5) else True, "the list being read")
    guarded.stays_out(bot, "unknown_key")
    guarded.stack.compose("restart", "ingest")
    eventually(lambda: guarded.stack.health("ingest") == "healthy" or None, "ingest being healthy")
    guarded.stays_out(bot, "unknown_key")
    assert guarded.send(guarded.keys.of_client("other"), linger_s=20)
