"""Processes are killed and stopped at random moments under load: what was accepted counts once, and losses are counted.

The clients are plain: what is on its way to an ingest that is killed is lost, and ingest finds it missing by number.
"""

import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.faults.load import Client
from tests.faults.watch import CounterWatch, sums_of, trades_of, wait_for_windows
from tests.helpers.services import Pipeline, eventually

SEED = time.time_ns() % 1_000_000
"""Printed when a test fails, to do it again."""
CLIENTS = 3
RATE = 1_500


class Faults:
    """Does a fault, and keeps the books that a killed ingest takes with it."""

    def __init__(self, pipeline: Pipeline, random: Random) -> None:
        self._pipeline, self._random = pipeline, random
        self.lost = Counter[str]()

    def kill_analytics(self) -> None:
        """SIGKILL, and started again a little later."""
        self._pipeline.analytics.kill()
        time.sleep(self._random.uniform(0, 0.5))
        self._pipeline.analytics.start().wait_ready()

    def kill_ingest(self) -> None:
        """The same."""
        # A loss is found at the first trade after a start, so since the last one nothing has been added.
        self.add_losses()
        self._pipeline.ingest.kill()
        time.sleep(self._random.uniform(0, 0.5))
        self._pipeline.ingest.start().wait_ready()

    def kill_both(self) -> None:
        """Both at once, started in a random order."""
        self.add_losses()
        services = [self._pipeline.ingest, self._pipeline.analytics]
        for service in self._random.sample(services, 2):
            service.kill()
        for service in self._random.sample(services, 2):
            service.start().wait_ready()

    def restart_analytics(self) -> None:
        """A clean stop and start."""
        assert self._pipeline.analytics.stop() == 0
        self._pipeline.analytics.start().wait_ready()

    def pause(self) -> None:
        """SIGSTOP for a while: the process is there, and does nothing."""
        service = self._random.choice([self._pipeline.ingest, self._pipeline.analytics])
        service.signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(0.1, 1.0))
        service.signal(signal.SIGCONT)

    def add_losses(self) -> None:
        """Adds what this process of ingest has found missing."""
        metrics = self._pipeline.ingest.metrics()
        for number in range(CLIENTS):
            source = f"client-{number}"
            self.lost[source] += int(metrics.value("telemetry_source_lost_total", source=source))
            assert metrics.value("telemetry_source_unaccounted_total", source=source) == 0

    def at_random(self) -> None:
        """One of them."""
        self._random.choice(
            [self.kill_analytics, self.kill_ingest, self.kill_both, self.restart_analytics, self.pause]
        )()


@pytest.mark.timeout(170)
def test_kills_at_random_moments_lose_nothing_but_what_is_counted(tmp_path: Path) -> None:
    _run(tmp_path, faults=8)


@pytest.mark.faults
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("sync", ["os", "interval", "burst"])
def test_50_faults_lose_nothing_but_what_is_counted(tmp_path: Path, sync: str) -> None:
    _run(tmp_path, faults=50, INGEST_LOG_SYNC=sync)


def _run(directory: Path, *, faults: int, **settings: str) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    with Pipeline(directory, **settings) as pipeline:
        pipeline.start()
        clients = [
            Client(pipeline.endpoint, f"client-{number}", rate=RATE, seed=SEED + number).start()
            for number in range(CLIENTS)
        ]
        watch, doing = CounterWatch(pipeline.analytics), Faults(pipeline, random)
        for _ in range(faults):
            _wait_for_all(pipeline, clients)
            time.sleep(random.uniform(0, 1.0))
            doing.at_random()
        _finish(pipeline, clients, doing)
        watch.stop()
        _check(pipeline, clients, doing, watch)


def _wait_for_all(pipeline: Pipeline, clients: list[Client]) -> None:
    """Returns when this process of ingest has trades of all clients: so it knows what each of them has lost."""
    sent = [client.total for client in clients]

    def go_on() -> bool:
        ingest = pipeline.ingest.metrics()
        return all(
            client.total > before + 200 and ingest.value("telemetry_source_trades_total", source=client.source) > 0
            for client, before in zip(clients, sent, strict=True)
        )

    eventually(go_on, within_s=60, what="the clients going on")


def _finish(pipeline: Pipeline, clients: list[Client], doing: Faults) -> None:
    """Waits until what the clients have sent last was applied."""
    _wait_for_all(pipeline, clients)
    for client in clients:
        client.stop()
    last = Counter({client.source: client.total for client in clients})

    def is_all_accounted_for() -> bool:
        ingest = pipeline.ingest.metrics()
        here = sum(int(ingest.value("telemetry_source_lost_total", source=source)) for source in last)
        missing = sum(last.values()) - sum(trades_of(pipeline.analytics).values())
        return ingest.value("telemetry_unapplied_trades") == 0 and missing == sum(doing.lost.values()) + here

    eventually(is_all_accounted_for, within_s=60, what="applied and lost being all that was sent")
    doing.add_losses()


def _check(pipeline: Pipeline, clients: list[Client], doing: Faults, watch: CounterWatch) -> None:
    sent, applied = sum((client.sent for client in clients), Counter[tuple[str, str]]()), trades_of(pipeline.analytics)
    assert watch.scrapes > 10
    assert watch.fallen == []
    assert all(applied[key] <= count for key, count in sent.items())
    assert sum(sent.values()) - sum(applied.values()) == sum(doing.lost.values())
    wait_for_windows(pipeline.analytics, sums_of(pipeline.analytics))
    analytics = pipeline.analytics.metrics()
    assert analytics.value("telemetry_stream_lost_trades_total") == 0
    assert analytics.value("telemetry_stream_rewound_trades_total") == 0
