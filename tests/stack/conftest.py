"""The compose stack on a real engine: its own project, its own ports, gone afterwards with its volumes."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.compose import COMPOSE_FILE, ROOT, Stack, docker, is_to_be_had, published_ports
from tests.helpers.figures import Figures
from tests.helpers.services import free_ports

BUILD_LIMIT_S = 500  # a cold build fetches every dependency
UP_LIMIT_S = 120
STUDY = """
from telemetry_studies import gauge, study

@study(
    window="5m",
    every="1s",
    gauges=[gauge("users_trades", "Trades of 5 minutes."), gauge("users_bought_ratio", "Share of buys in them.")],
)
def users(trades):
    return {"users_trades": len(trades), "users_bought_ratio": (trades["side"] == "buy").mean()}
"""


@pytest.fixture(scope="session")
def figures() -> Figures:
    return Figures()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> Iterator[Stack]:
    ports = dict(zip(published_ports(), free_ports(len(published_ports())), strict=True))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INGEST_FEEDS", "")  # no trades but those of the tests
        environment.setenv("GRAFANA_ROLE", "Editor")  # as for a load test that marks its runs
        environment.setenv("ALERT_WEBHOOK_URL", "http://receiver:9999/people")
        environment.setenv("ALERT_WATCHDOG_URL", "http://receiver:9999/watchdog")
        for name, port in ports.items():
            environment.setenv(name, str(port))
        files = compose_files(tmp_path_factory.mktemp("stack"))
        running = Stack(f"tt-test-{os.getpid()}", files, ports)
        try:
            start(running, figures)
            yield running
        finally:
            docker(*("compose", "-p", running.project, *files), "down", "--volumes", timeout_s=120, check=False)


def compose_files(folder: Path) -> tuple[str, ...]:
    files = ["-f", str(COMPOSE_FILE), "-f", str(with_a_study_of_the_user(folder))]
    if not is_to_be_had(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]["grafana"]["image"]):
        # Without a registry the stack is tried without its dashboards; the file itself stays as it is.
        override = folder / "without-grafana.yml"
        override.write_text("services:\n  grafana: !reset null\n", encoding="utf-8")
        files += ["-f", str(override)]
    return tuple(files)


def with_a_study_of_the_user(folder: Path) -> Path:
    """An override whose ./studies is a copy with one file more."""
    studies = folder / "studies"
    shutil.copytree(ROOT / "studies", studies, ignore=shutil.ignore_patterns("__pycache__"))
    (studies / "users.py").write_text(STUDY, encoding="utf-8")
    studies.chmod(0o755)  # the container's user is another one
    override = folder / "with-a-study.yml"
    override.write_text(f'services:\n  analytics:\n    volumes: ["{studies}:/studies:ro"]\n', encoding="utf-8")
    return override


def start(stack: Stack, figures: Figures) -> None:
    """Builds first, so that the second figure is the start-up alone."""
    began_s = time.monotonic()
    stack.compose("build", "--quiet", timeout_s=BUILD_LIMIT_S)
    built_s = time.monotonic()
    try:
        stack.compose("up", "--detach", "--wait", "--quiet-pull", timeout_s=UP_LIMIT_S)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{stack.compose('logs', '--tail', '30')}") from error
    figures.note(build_s=built_s - began_s, up_s=time.monotonic() - built_s, services=stack.services)
