"""Everything may be killed, stopped and restarted, the bots too: with durable publishers each trade counts once."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.faults.bots import DurableBot
from tests.faults.watch import CounterWatch, Sums, sums_of, trades_in, wait_for_windows
from tests.helpers.desk import Desk
from tests.helpers.services import Pipeline, Service, eventually

SEED = time.time_ns() % 1_000_000
"""Printed when a test fails, to do it again."""

BOTS = 3


class DurableFaults:
    """Does a fault, and waits until what it has hit runs again."""

    def __init__(self, pipeline: Pipeline, bots: list[DurableBot], random: Random) -> None:
        self._pipeline, self._bots, self._random = pipeline, bots, random
        self.done = Counter[str]()

    def _services(self) -> list[Service]:
        return [self._pipeline.ingest, self._pipeline.analytics]

    def kill(self) -> None:
        """SIGKILL of one service, started again a little later."""
        service = self._random.choice(self._services())
        service.kill()
        time.sleep(self._random.uniform(0, 0.5))
        service.start().wait_ready()

    def kill_all(self) -> None:
        """SIGKILL of both services and a bot, started again in a random order."""
        bot = self._random.choice(self._bots)
        parts: list[Service | DurableBot] = [*self._services(), bot]
        for part in self._random.sample(parts, len(parts)):
            part.kill()
        for part in self._random.sample(parts, len(parts)):
            part.start()
        for service in self._services():
            service.wait_ready()

    def restart(self) -> None:
        """A clean stop and start of one service."""
        service = self._random.choice(self._services())
        assert service.stop() == 0
        service.start().wait_ready()

    def pause(self) -> None:
        """SIGSTOP for a while: the process is there, and does nothing."""
        parts: list[Service | DurableBot] = [*self._services(), *self._bots]
        part = self._random.choice(parts)
        part.signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(0.1, 1.0))
        part.signal(signal.SIGCONT)

    def kill_bot(self) -> None:
        """SIGKILL of a bot, and the next one on its queue."""
        bot = self._random.choice(self._bots)
        bot.kill()
        bot.start()

    def restart_bot(self) -> None:
        """A clean stop: all that it has kept is acknowledged."""
        bot = self._random.choice(self._bots)
        assert bot.stop() == 0
        bot.start()

    def kill_ui(self) -> None:
        """SIGKILL of the page's service, if there is one; nobody waits for it."""
        if isinstance(self._pipeline, Desk):
            self._pipeline.ui.kill()
            self._pipeline.ui.start()

    def all(self) -> list[Callable[[], None]]:
        """All of them."""
        faults = [self.kill, self.kill_all, self.restart, self.pause, self.kill_bot, self.restart_bot]
        return faults + [self.kill_ui] * isinstance(self._pipeline, Desk)

    def do(self, fault: Callable[[], None]) -> None:
        """Does it, and counts it."""
        fault()
        self.done[fault.__name__] += 1


@contextmanager
def running_bots(pipeline: Pipeline, directory: Path, *, rate: int, endpoint: str = "") -> Iterator[list[DurableBot]]:
    """Bots that send to the pipeline, until the end."""
    target = endpoint or pipeline.endpoint
    acks = f"{target.rpartition(':')[0]}:{pipeline.acks_endpoint.rpartition(':')[2]}"
    bots = [
        DurableBot(target, acks, directory, f"bot-{number}", rate=rate, seed=SEED + number).start()
        for number in range(BOTS)
    ]
    try:
        yield bots
    finally:
        for bot in bots:
            bot.end()


def wait_for_all(bots: list[DurableBot]) -> None:
    """Returns when each bot has sent some more."""
    before = [bot.messages() for bot in bots]
    eventually(
        lambda: all(bot.messages() > count + 5 for bot, count in zip(bots, before, strict=True)),
        within_s=60,
        what="the bots going on",
    )


def stop_all(bots: list[DurableBot]) -> None:
    """Stops the bots; all that they have kept is acknowledged then."""
    for bot in bots:
        assert bot.stop() == 0


def check_exact(pipeline: Pipeline, bots: list[DurableBot]) -> int:
    """Applied is what was kept, by symbol and side, but for the messages that a killed bot was at; how many that is."""
    diaries = [bot.diary() for bot in bots]
    kept = sum((diary.kept for diary in diaries), Sums())
    at_most = sum((diary.in_doubt for diary in diaries), kept)
    eventually(
        lambda: pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 0, within_s=60, what="all applied"
    )
    applied = sums_of(pipeline.analytics)
    assert kept <= applied <= at_most
    wait_for_windows(pipeline.analytics, applied)
    return trades_in(applied)


def check_books(pipeline: Pipeline) -> None:
    """Nothing was counted as lost on any hop, by the processes that run now."""
    ingest, analytics = pipeline.ingest.metrics(), pipeline.analytics.metrics()
    for what in ("lost", "unaccounted"):
        assert ingest.total(f"telemetry_source_{what}_total") == 0
    assert analytics.value("telemetry_stream_lost_trades_total") == 0
    assert analytics.value("telemetry_stream_rewound_trades_total") == 0


@pytest.mark.timeout(120)
def test_with_durable_bots_each_trade_counts_once_whatever_is_killed(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    _run(pipeline, tmp_path, rate=1_500, faults=6)


@pytest.mark.faults
@pytest.mark.timeout(590)
@pytest.mark.parametrize("sync", ["os", "interval", "burst"])
def test_50_faults_with_durable_bots_at_20000_trades_a_second(tmp_path: Path, sync: str) -> None:
    _run(Desk(tmp_path, INGEST_LOG_SYNC=sync), tmp_path, rate=7_000, faults=50)


def _run(pipeline: Pipeline, directory: Path, *, rate: int, faults: int) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    with pipeline:
        pipeline.start()
        with running_bots(pipeline, directory, rate=rate) as bots:
            watch, doing = CounterWatch(pipeline.analytics), DurableFaults(pipeline, bots, random)
            # Each of them in turn, so that few faults are of all kinds too.
            started_s = time.monotonic()
            for fault in random.sample(doing.all() * faults, faults) if faults > 10 else doing.all()[:faults]:
                wait_for_all(bots)
                time.sleep(random.uniform(0, 0.3))
                doing.do(fault)
            wait_for_all(bots)
            seconds = time.monotonic() - started_s
            stop_all(bots)
            applied = check_exact(pipeline, bots)
            watch.stop()
            assert watch.scrapes > 10
            assert watch.fallen == []
            check_books(pipeline)
            print(f"{applied} trades, {applied / seconds:.0f} a second, faults {dict(doing.done)}")  # noqa: T201 - figures
