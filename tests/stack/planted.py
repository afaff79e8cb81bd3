"""Traffic whose every number is known, the services as processes, and a real Prometheus that watches them."""

import re
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
import zmq

from loadtest.scrape import get
from telemetry_schema import Side
from tests.helpers.compose import COMPOSE_FILE, ROOT, docker, eventually
from tests.helpers.prometheus import Prometheus
from tests.helpers.services import Pipeline, free_ports
from tests.helpers.trades import frame
from tests.stack.page_exporter import PlantedPage, planted_page

SCRAPED_S: Final = 2.6
"""After this long without traffic a scrape has seen all of it, whatever the phase of scrapes and rules."""

SECOND_NS: Final = 1_000_000_000

ABOUT: Final = ("source", "reason", "label", "feed", "study", "account", "job")
"""The label that says whom an alert is about: the first of these that it has."""


class Sold(NamedTuple):
    """A trade as it was sent."""

    side: Side
    qty: float
    price: float
    event_ns: int


@dataclass
class Sender:
    """A client with numbers of its own; what it has sent by purpose is the truth."""

    push: "zmq.Socket[bytes]"
    source: str
    clock_ahead_ns: int = 0
    seq: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    frames: deque[bytes] = field(default_factory=lambda: deque(maxlen=100))
    marked: int = 0
    """How many it had sent at a moment that was worth to be kept."""

    def trade(
        self, symbol: str = "AAA-USD", side: Side = "buy", *, qty: float = 0.5, price: float = 100.0, age_ns: int = 0
    ) -> Sold:
        sold = Sold(side, qty, price, time.time_ns() + self.clock_ahead_ns - age_ns)
        self._send(self.seq, symbol, sold, sold.event_ns + age_ns)
        self.seq += 1
        self.sent["accepted"] += 1
        return sold

    def lose(self, trades: int) -> None:
        """Uses numbers that never go out."""
        self.seq += trades
        self.sent["lost"] += trades

    def repeat(self, trades: int) -> None:
        """Sends the last messages again, byte by byte."""
        for each in list(self.frames)[-trades:]:
            self.push.send(each)
        self.sent["duplicate"] += trades

    def flow(self, seconds: float, rate: float = 50.0) -> None:
        """Bought and sold in turn at a steady rate; the pace of real traffic is what is asked for here."""
        for number in range(round(seconds * rate)):
            self.trade(side="sell" if number % 2 else "buy")
            time.sleep(1 / rate)

    def _send(self, seq: int, symbol: str, sold: "Sold", sent_ns: int) -> None:
        fields = {"type": "trade", "source": self.source, "run": "planted", "seq": seq, "symbol": symbol}
        self.frames.append(frame({**fields, **sold._asdict(), "sent_ns": sent_ns}))
        self.push.send(self.frames[-1])


class Planted:
    """The services, their Prometheus, and who sends."""

    def __init__(
        self, pipeline: Pipeline, prometheus: Prometheus, page: PlantedPage, push: "zmq.Socket[bytes]"
    ) -> None:
        self.pipeline, self.prometheus, self.page = pipeline, prometheus, page
        self._push = push
        self.senders: dict[str, Sender] = {}
        self.refused = 0

    def sender(self, source: str, clock_ahead_ns: int = 0) -> Sender:
        if source not in self.senders:
            self.senders[source] = Sender(self._push, source, clock_ahead_ns)
        return self.senders[source]

    def twin(self, source: str) -> Sender:
        """Another sender that gives the same source and run; its truth is its own."""
        return Sender(self._push, source)

    def send(self, *frames: bytes) -> None:
        """Sends messages as they are."""
        for each in frames:
            self._push.send(each)

    def refuse(self, *frames: bytes) -> None:
        """Sends what is no message."""
        self.send(*frames)
        self.refused += len(frames)

    def truth(self, what: str, *sources: str) -> int:
        """What was sent so, by all or by these sources."""
        chosen = [self.senders[source] for source in sources] or self.senders.values()
        return sum(sender.sent[what] for sender in chosen)

    def settle(self) -> None:
        """Returns when all is applied and Prometheus has seen it."""
        self.pipeline.analytics.wait_ready()
        eventually(lambda: True if self._unapplied() == 0 else None, "nothing unapplied", 30)
        time.sleep(SCRAPED_S)

    def scraped(self) -> None:
        """Returns when Prometheus has scraped both services after this moment."""
        begun_s = time.time()
        eventually(lambda: self._scraped_s() > begun_s or None, "a scrape", 30)

    def _scraped_s(self) -> float:
        lines = self.prometheus.at('min(timestamp(up{job=~"analytics|ingest"}))')
        return lines[0].last if lines else 0.0

    def _unapplied(self) -> float:
        return self.pipeline.ingest.metrics().value("telemetry_unapplied_trades")

    def alerts(self, since_s: float, until_s: float) -> dict[str, set[str]]:
        """The alerts that fired in this time, but for the watchdog: by name, whom or what they are about."""
        lines = self.prometheus.over('ALERTS{alertstate="firing",alertname!="Watchdog"}', since_s, until_s, 1)
        found: dict[str, set[str]] = {}
        for line in lines:
            about = [line.labels[name] for name in ABOUT if name in line.labels]
            found.setdefault(line.labels["alertname"], set()).add((about or [""])[0])
        return found


@contextmanager
def watched(folder: Path, *, alertmanager: str = "", feeds: str = "", **settings: str) -> Iterator[Planted]:
    """Everything on free ports of this machine, gone afterwards; alerts go to an address, if one is given."""
    with (
        Pipeline(folder, feeds=feeds, **settings) as pipeline,
        planted_page() as page,
        zmq.Context() as context,
        context.socket(zmq.PUSH) as push,
    ):
        push.linger = 0
        push.connect(pipeline.endpoint)
        with prometheus_of(pipeline, page, folder, alertmanager) as prometheus:
            pipeline.start()
            yield Planted(pipeline, prometheus, page, push)


@contextmanager
def prometheus_of(pipeline: Pipeline, page: PlantedPage, folder: Path, alertmanager: str) -> Iterator[Prometheus]:
    """The Prometheus of the compose file, with its configuration and rules, looking at these processes."""
    (port,) = free_ports(1)
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump(configuration(pipeline, page, port, alertmanager)), encoding="utf-8"
    )
    image = re.search(r"image: (prom/prometheus:\S+)", COMPOSE_FILE.read_text(encoding="utf-8"))
    assert image is not None
    name = f"tt-planted-{port}"
    mounts = [f"{folder}/prometheus.yml:/etc/prometheus/prometheus.yml:ro"]
    mounts.append(f"{ROOT}/prometheus/rules:/etc/prometheus/rules:ro")
    options = [word for mount in mounts for word in ("--volume", mount)]
    addresses = ("GRAFANA_URL=http://grafana", "RUNBOOK_URL=docs/runbook.md", "PAGE_URL=http://page")
    options += [
        word for address in (*addresses, f"PROMETHEUS_URL=http://127.0.0.1:{port}") for word in ("--env", address)
    ]
    arguments = ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
    arguments.append(f"--web.listen-address=127.0.0.1:{port}")
    docker("run", "--detach", "--rm", "--network", "host", "--name", name, *options, image[1], *arguments)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: get(f"{url}/-/ready"), "Prometheus", 30)
        yield Prometheus(url)
    finally:
        docker("rm", "--force", name, check=False)


def configuration(pipeline: Pipeline, page: PlantedPage, own_port: int, alertmanager: str) -> dict[str, Any]:
    """prometheus.yml as it is, but for the addresses."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))
    ports = {
        "analytics": pipeline.analytics.http_port,
        "ingest": pipeline.ingest.http_port,
        "ui": page.port,
        "prometheus": own_port,
    }
    found["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in ports.items()
    ]
    if alertmanager:
        found["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    else:
        del found["alerting"]
    return found
