"""Talks to a compose project: its commands, its containers, its published ports."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtest.scrape import get
from tests.helpers.prometheus import Prometheus

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
Answer = TypeVar("Answer")


def docker(*words: str, timeout_s: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done


def published_ports() -> list[str]:
    """The variables that say where the compose file publishes ports."""
    return re.findall(r'"127\.0\.0\.1:\$\{(\w+):-\d+\}:\d+"', COMPOSE_FILE.read_text(encoding="utf-8"))


def eventually(look: Callable[[], Answer | None], what: str, limit_s: float = 60) -> Answer:
    """The first answer that is not None; an error while looking is no answer yet."""
    deadline_s = time.monotonic() + limit_s
    problem: Exception | None = None
    while time.monotonic() < deadline_s:
        try:
            if (answer := look()) is not None:
                return answer
        except (OSError, ValueError) as error:
            problem = error
        time.sleep(0.1)
    pytest.fail(f"not within {limit_s} s: {what} ({problem})")


@dataclass(frozen=True)
class Stack:
    """A running compose project and where it is published."""

    project: str
    files: tuple[str, ...]
    ports: dict[str, int]

    def compose(self, *words: str, timeout_s: float = 120) -> str:
        return docker("compose", "-p", self.project, *self.files, *words, timeout_s=timeout_s).stdout

    @property
    def services(self) -> list[str]:
        return sorted(self.compose("config", "--services").split())

    @property
    def trades_endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self.ports['TRADES_PORT']}"

    @property
    def prometheus(self) -> Prometheus:
        return Prometheus(f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}")

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "--all", "--quiet", service).strip()
        found: dict[str, Any] = json.loads(docker("inspect", container).stdout)[0]
        return found

    def health(self, service: str) -> str:
        health: str = self.inspect(service)["State"]["Health"]["Status"]
        return health

    def metric(self, port: str, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels, as the service shows it now."""
        families = text_string_to_metric_families(get(f"http://127.0.0.1:{self.ports[port]}/metrics"))
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def value(self, expr: str) -> float | None:
        """What Prometheus says an expression is: the sum of its series, None where there are none."""
        found = self.prometheus.at(expr)
        return sum(line.last for line in found) if found else None

    def wait_until(self, expr: str, expected: float, limit_s: float = 60) -> None:
        """Returns when Prometheus says that an expression has this value."""
        eventually(lambda: True if self.value(expr) == expected else None, f"{expr} = {expected}", limit_s)

    def wait_until_applied(self) -> None:
        """Returns when analytics has applied all that ingest has accepted."""
        eventually(
            lambda: True if self.metric("INGEST_METRICS_PORT", "telemetry_unapplied_trades") == 0 else None,
            "nothing unapplied",
        )


def is_to_be_had(image: str) -> bool:
    if docker("image", "inspect", image, check=False).returncode == 0:
        return True
    try:
        return docker("pull", "--quiet", image, timeout_s=120, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
