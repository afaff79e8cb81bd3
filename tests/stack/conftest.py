"""The compose stack on a real engine: its own project, its own ports, gone afterwards with its volumes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.compose import ROOT, Stack, docker, free_port, is_to_be_had

PUBLISHED = (
    "TRADES_PORT",
    "INGEST_METRICS_PORT",
    "ANALYTICS_METRICS_PORT",
    "UI_METRICS_PORT",
    "PAGE_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
)
UP_LIMIT_S = 400  # a cold build fetches every dependency


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    ports = {name: free_port() for name in PUBLISHED}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INGEST_FEEDS", "")  # no trades but those of the tests
        for name, port in ports.items():
            environment.setenv(name, str(port))
        yield from run_stack(ports, tmp_path_factory.mktemp("stack"))


def run_stack(ports: dict[str, int], folder: Path) -> Iterator[Stack]:
    files = ["-f", str(ROOT / "docker-compose.yml")]
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["grafana"]["image"]
    if not is_to_be_had(grafana):
        # Without a registry the stack is tried without its dashboards; the file itself stays as it is.
        override = folder / "without-grafana.yml"
        override.write_text("services:\n  grafana: !reset null\n", encoding="utf-8")
        files += ["-f", str(override)]
    running = Stack(f"tt-test-{os.getpid()}", tuple(files), ports)
    try:
        running.compose("up", "--build", "--detach", "--wait", "--quiet-pull", timeout_s=UP_LIMIT_S)
        yield running
    finally:
        docker(
            "compose", "-p", running.project, *files, "down", "--volumes", "--timeout", "20", timeout_s=120, check=False
        )
