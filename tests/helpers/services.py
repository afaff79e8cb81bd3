"""Ingest and analytics as real processes on free ports, as `make run` starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from loadtest.scrape import AwayError, get
from loadtest.stack import hold_ports
from tests.helpers.wall_clock import WallClock

BIN = Path(sys.executable).parent

T = TypeVar("T")
SampleKey: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
"""Name and labels of a sample."""


def eventually(look: Callable[[], T | None], *, within_s: float = 20.0, what: str = "it") -> T:
    """What `look` gives once it is something; a wait for the world, bounded and short-stepped."""
    end = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {within_s} s; last seen: {found!r}")
        time.sleep(0.02)
    return found


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, for programs that do not share a port with who holds it."""
    with ExitStack() as stack:
        return hold_ports(stack, count)


class Metrics:
    """One scrape of a service."""

    def __init__(self, text: str) -> None:
        self._samples: dict[SampleKey, float] = {}
        self._counters: set[SampleKey] = set()
        for family in text_string_to_metric_families(text):
            found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in family.samples}
            self._samples |= found
            if family.type in {"counter", "histogram"}:
                self._counters |= found.keys()

    def counters(self) -> dict[SampleKey, float]:
        """All that may only rise: counters, and the counts and sums of histograms."""
        return {key: self._samples[key] for key in self._counters}

    def value(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 where there is none. A symbol's market trades unless it says `origin`."""
        if "symbol" in labels and name.startswith("trading_"):
            labels = {"origin": "market", **labels}
        return self._samples.get((name, frozenset(labels.items())), 0.0)

    def total(self, name: str) -> float:
        """The sum over all labels."""
        return sum(value for (each, _), value in self._samples.items() if each == name)

    def sum_of(self, name: str, **labels: str) -> float:
        """The sum over all samples that have these labels, whatever others they have."""
        wanted = labels.items()
        return sum(value for (each, found), value in self._samples.items() if each == name and wanted <= found)

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of each sample of that name."""
        return [dict(labels) for each, labels in self._samples if each == name]


class Service:
    """One process; stopped, if need be killed, when its context ends."""

    def __init__(self, program: str, http_port: int, environment: Mapping[str, str], log: Path) -> None:
        self.program, self._environment, self._log = program, dict(environment), log
        self._command: list[str | Path] = [BIN / program]
        self.http_host, self.http_port = "127.0.0.1", http_port
        self._process: subprocess.Popen[bytes] | None = None

    def set(self, **settings: str) -> None:
        """Settings of its next start."""
        self._environment |= settings

    def run_on(self, clock: WallClock) -> None:
        """From its next start on, its wall time is that of the clock."""
        self._command = clock.run(BIN / self.program)

    def start(self) -> Self:
        """Starts the process."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={"PATH": os.environ["PATH"], **self._environment}, stdout=log, stderr=log
            )
        return self

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process, which was started."""
        assert self._process is not None
        return self._process

    def wait_ready(self) -> Self:
        """Returns when /readyz says so."""
        eventually(self._is_ready, what=f"{self.program} being ready")
        return self

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"{self.program} ended with {self.process.returncode}:\n{self.log()}"
        try:
            get(f"http://{self.http_host}:{self.http_port}/readyz", timeout_s=5)
        except AwayError:
            return False
        return True

    def metrics(self) -> Metrics:
        """A scrape."""
        return Metrics(get(f"http://{self.http_host}:{self.http_port}/metrics"))

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def stop(self, within_s: float = 20.0) -> int:
        """Asks it to stop; its exit code."""
        self.process.terminate()
        return self.process.wait(within_s)

    def kill(self) -> None:
        """Kills it at once."""
        self.process.kill()
        self.process.wait(10)

    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text() if self._log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of an event."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def rss_bytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def end(self) -> None:
        """Kills it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


class Pipeline:
    """Ingest and analytics, wired to each other on free ports; not started yet."""

    def __init__(self, directory: Path, *, feeds: str = "", **settings: str) -> None:
        self._ports = ExitStack()
        pull, batches, progress, acks, ingest_http, analytics_http = hold_ports(self._ports, 6)
        self.endpoint = f"tcp://127.0.0.1:{pull}"
        self.acks_endpoint = f"tcp://127.0.0.1:{acks}"
        self.data_dir = directory
        self.batches_endpoint = f"tcp://127.0.0.1:{batches}"
        self.dead_letters = directory / "ingest" / "dead-letters.jsonl"
        common = {
            "INGEST_FEEDS": feeds,
            "INGEST_PULL_ENDPOINT": self.endpoint,
            "INGEST_ANALYTICS_ENDPOINT": f"tcp://127.0.0.1:{batches}",
            "INGEST_PROGRESS_ENDPOINT": f"tcp://127.0.0.1:{progress}",
            "INGEST_ACKS_ENDPOINT": self.acks_endpoint,
            "INGEST_UI_ENDPOINTS": "",
            "INGEST_HTTP_PORT": str(ingest_http),
            "INGEST_DATA_DIR": str(directory / "ingest"),
            "ANALYTICS_PULL_ENDPOINT": f"tcp://127.0.0.1:{batches}",
            "ANALYTICS_PROGRESS_ENDPOINT": f"tcp://127.0.0.1:{progress}",
            "ANALYTICS_UI_ENDPOINTS": "",
            "ANALYTICS_HTTP_PORT": str(analytics_http),
            "ANALYTICS_DATA_DIR": str(directory / "analytics"),
            **settings,
        }
        self.ingest = Service("run-ingest", ingest_http, common, directory / "ingest.log")
        self.analytics = Service("run-analytics", analytics_http, common, directory / "analytics.log")

    def set(self, **settings: str) -> None:
        """Settings of the next starts."""
        self.ingest.set(**settings)
        self.analytics.set(**settings)

    def run_on(self, clock: WallClock) -> Self:
        """Both have the clock's wall time from their next start on."""
        self.analytics.run_on(clock)
        self.ingest.run_on(clock)
        return self

    def start(self) -> Self:
        """Starts both and waits until they are ready."""
        try:
            self.analytics.start()
            self.ingest.start()
            self.analytics.wait_ready()
            self.ingest.wait_ready()
        except BaseException:
            # Often called before the context begins, which would end them.
            self.ingest.end()
            self.analytics.end()
            raise
        return self

    def applied(self) -> float:
        """Trades that analytics has applied."""
        return self.analytics.metrics().total("trading_trades_total")

    def wait_applied(self, trades: int, within_s: float = 30.0) -> None:
        """Returns when exactly so many trades are applied; fails at once if there are more."""

        def enough() -> bool:
            applied = self.applied()
            assert applied <= trades, f"{applied} trades applied, {trades} sent"
            return applied == trades

        eventually(enough, within_s=within_s, what=f"{trades} trades applied")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ingest.end()
        self.analytics.end()
        self._ports.close()
