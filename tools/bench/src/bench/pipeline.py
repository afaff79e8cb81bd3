"""The pipeline under test: ingest and analytics as processes of their own, and what they say about themselves."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.peers import Order, Pipe
from loadtest.scrape import Scrape, get
from loadtest.stack import Stack, start

LOOK_S = 0.02
"""Between two looks whether all is applied; each costs analytics about a millisecond, so the rate is under- not
overstated."""

PATIENCE_S = 120.0


class StuckError(Exception):
    """The pipeline has not applied what was sent, in a time that is far too long."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Our own ingest and analytics."""

    stack: Stack

    @property
    def endpoint(self) -> str:
        """Where trades go."""
        return self.stack.target.endpoint

    @property
    def acks_endpoint(self) -> str:
        """Where durable publishers are acknowledged."""
        return self.stack.acks_endpoint

    def analytics(self) -> Scrape:
        """What analytics says."""
        return Scrape.parse(get(f"{self.stack.target.analytics_url}/metrics"))

    def ingest(self) -> Scrape:
        """What ingest says."""
        return Scrape.parse(get(f"{self.stack.target.ingest_url}/metrics"))

    def applied(self) -> int:
        """Trades in /metrics, asked as cheaply as can be."""
        page = get(f"{self.stack.target.analytics_url}/metrics")
        line = page.partition("\ntelemetry_applied_trades_total ")[2]
        return int(float(line.partition("\n")[0]))

    def cpu_s(self) -> float:
        """Processor time of both services since their start."""
        times = [psutil.Process(pid).cpu_times() for pid in self.stack.pids.values()]
        return sum(each.user + each.system for each in times)

    def rss_bytes(self) -> dict[str, int]:
        """Resident memory by service."""
        return {service: psutil.Process(pid).memory_info().rss for service, pid in self.stack.pids.items()}

    def seconds(self, pusher: Pipe, order: Order) -> float:
        """From the first send until all trades are visible in /metrics.

        Raises:
            StuckError: they are not, after `PATIENCE_S`.
        """
        before = self.applied()
        pusher.send(order)
        pusher.recv()
        pusher.send(None)
        begin_ns: int = pusher.recv()[0]
        while (applied := self.applied() - before) < order.count:
            if time.monotonic_ns() - begin_ns > PATIENCE_S * 1e9:
                raise StuckError(f"{applied:,} of {order.count:,} trades applied after {PATIENCE_S} s; {self._state()}")
            time.sleep(LOOK_S)
        return (time.monotonic_ns() - begin_ns) / 1e9

    def _state(self) -> str:
        """What one would ask first."""
        ingest, analytics = self.ingest(), self.analytics()
        asked = {
            "accepted": ingest.total("telemetry_source_trades_total"),
            "duplicate": ingest.total("telemetry_source_duplicate_total"),
            "lost before ingest": ingest.total("telemetry_source_lost_total"),
            "refused messages": ingest.total("telemetry_refused_total"),
            "unapplied": ingest.total("telemetry_unapplied_trades"),
            "resends": ingest.total("telemetry_resends_total"),
            "lost behind ingest": analytics.total("telemetry_stream_lost_trades_total"),
        }
        return ", ".join(f"{name} {value:,.0f}" for name, value in asked.items())


@contextmanager
def pipeline(ui_endpoint: str = "", settings: Mapping[str, str] | None = None) -> Iterator[Pipeline]:
    """A fresh pipeline, for as long as the context is open; its services with these settings."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, ExitStack() as stack:
        yield Pipeline(start(Path(directory), stack, ui_endpoint=ui_endpoint, settings=settings))
