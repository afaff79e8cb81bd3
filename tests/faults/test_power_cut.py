"""A power cut of the machine of ingest and analytics, in each mode of the log: what was not synced is dropped."""

import signal
from pathlib import Path
from random import Random

import pytest

from tests.faults.bots import DurableBot
from tests.faults.power_cut import PowerSupply, Record, built_recorder
from tests.faults.test_durable_faults import SEED, check_books, check_exact, running_bots, stop_all, wait_for_all
from tests.faults.watch import Sums, sums_of, trades_in, wait_for_windows
from tests.helpers.services import Pipeline, Service, eventually


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_recorder(tmp_path_factory.mktemp("recorder"))


class Machine:
    """Both services, on a disk whose power can be cut."""

    def __init__(self, directory: Path, recorder: Path, random: Random, **settings: str) -> None:
        self.pipeline = Pipeline(directory, **settings)
        self._random = random
        self._services: list[Service] = [self.pipeline.ingest, self.pipeline.analytics]
        self.ingest_disk = PowerSupply(directory / "ingest", recorder)
        self._disks = [self.ingest_disk, PowerSupply(directory / "analytics", recorder)]
        for service, disk in zip(self._services, self._disks, strict=True):
            service.set(**disk.environment)

    def cut_power(self, kept_ratio: float) -> None:
        """Cuts it, at one moment for both, and starts them again in any order."""
        for service in self._services:
            service.signal(signal.SIGSTOP)
        for service in self._services:
            service.kill()
        for disk in self._disks:
            disk.cut(self._random, kept_ratio)
        for service in self._random.sample(self._services, 2):
            service.start()
        for service in self._services:
            service.wait_ready()

    def kill_ingest(self) -> None:
        """Kills it alone, and starts the next one on what the kernel still holds."""
        self.pipeline.ingest.kill()
        self.pipeline.ingest.start().wait_ready()

    def missing(self) -> int:
        """Trades that are counted as missing, and not made up for by those that are counted as applied twice."""
        ingest, analytics = self.pipeline.ingest.metrics(), self.pipeline.analytics.metrics()
        at_ingest = sum(ingest.total(f"telemetry_source_{what}_total") for what in ("lost", "unaccounted"))
        lost = analytics.value("telemetry_stream_lost_trades_total")
        return int(at_ingest + lost - analytics.value("telemetry_stream_rewound_trades_total"))


def _kept_trades(bots: list[DurableBot]) -> int:
    return sum(trades_in(bot.diary().kept) for bot in bots)


def _wait_applied(pipeline: Pipeline) -> None:
    eventually(
        lambda: pipeline.ingest.metrics().value("telemetry_unapplied_trades") == 0, within_s=60, what="all applied"
    )


def _check_counted(machine: Machine, bots: list[DurableBot]) -> int:
    """What is applied is what was kept but for what is counted, and the windows are what is applied."""
    kept, pipeline = _kept_trades(bots), machine.pipeline
    _wait_applied(pipeline)
    eventually(
        lambda: kept - pipeline.applied() == machine.missing(),
        what=f"{kept} kept, {pipeline.applied()} applied, {machine.missing()} counted",
    )
    applied = sums_of(pipeline.analytics)
    wait_for_windows(pipeline.analytics, applied)
    return kept - trades_in(applied)


def _cut_counted(tmp_path: Path, recorder: Path, random: Random, sync: str, kept_ratio: float) -> int:
    """One cut without `burst`; how many trades are missing."""
    machine = Machine(tmp_path, recorder, random, INGEST_LOG_SYNC=sync, INGEST_LOG_SYNC_INTERVAL_S="0.3")
    with machine.pipeline as pipeline:
        pipeline.start()
        with running_bots(pipeline, tmp_path, rate=1_500) as bots:
            wait_for_all(bots)
            synced_trades = 0 if sync == "os" else _applied_before_a_sync(machine)
            # What is acknowledged is no more with the bots, so that the cut costs it.
            acks = pipeline.ingest.metrics().total("telemetry_acks_total")
            eventually(
                lambda: pipeline.ingest.metrics().total("telemetry_acks_total") > acks + 10, what="acknowledgements"
            )
            wait_for_all(bots)
            assert machine.missing() == 0
            machine.cut_power(kept_ratio)
            at_most = _kept_trades(bots) + sum(trades_in(bot.diary().in_doubt) for bot in bots) - synced_trades
            wait_for_all(bots)
            stop_all(bots)
            missing = _check_counted(machine, bots)
            assert missing <= at_most
            return missing


def _applied_before_a_sync(machine: Machine) -> int:
    """Waits until the log was synced; trades that were applied when the sync began."""
    applied = int(machine.pipeline.applied())
    before = len(machine.ingest_disk.records())
    eventually(lambda: _is_synced(machine.ingest_disk.records()[before:]), what="a sync of the log")
    return applied


def _is_synced(records: list[Record]) -> bool:
    """Whether a sync of a file began in them, and has ended."""
    begun = {(each.thread, each.inode) for each in records if each.op == "B" and each.inode}
    return any((each.thread, each.inode) in begun for each in records if each.op == "S" and each.inode)


@pytest.mark.timeout(100)
@pytest.mark.parametrize("sync", ["os", "interval"])
def test_without_burst_a_power_cut_costs_what_was_not_synced_and_each_trade_of_that_is_counted(
    tmp_path: Path, recorder: Path, sync: str
) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    missing = _cut_counted(tmp_path, recorder, random, sync, 0.0)
    assert missing > 0 or sync == "interval"  # else nothing was tried


@pytest.mark.timeout(100)
def test_with_burst_power_cuts_cost_nothing(tmp_path: Path, recorder: Path) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    _cuts_of_burst(tmp_path, recorder, random, cuts=3)


def _cuts_of_burst(tmp_path: Path, recorder: Path, random: Random, *, cuts: int) -> None:
    machine = Machine(tmp_path, recorder, random, INGEST_LOG_SYNC="burst")
    with machine.pipeline as pipeline:
        pipeline.start()
        with running_bots(pipeline, tmp_path, rate=1_500) as bots:
            for number in range(cuts):
                wait_for_all(bots)
                if number % 3 == 1:
                    machine.kill_ingest()  # what it had not synced is read by the next one
                machine.cut_power(random.choice((0.0, 0.5, 0.9)))
            wait_for_all(bots)
            stop_all(bots)
            check_exact(pipeline, bots)
            check_books(pipeline)


@pytest.mark.timeout(100)
def test_a_power_cut_of_a_bots_machine_costs_at_most_what_was_not_acknowledged(tmp_path: Path, recorder: Path) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to do it again
    random = Random(SEED)  # noqa: S311 - not for secrets
    (tmp_path / "bots").mkdir()
    disk = PowerSupply(tmp_path / "bots", recorder)
    with Pipeline(tmp_path).start() as pipeline:
        bot = DurableBot(
            pipeline.endpoint,
            pipeline.acks_endpoint,
            tmp_path,
            "bot",
            rate=3_000,
            seed=SEED,
            queue=tmp_path / "bots" / "queue",
            environment=disk.environment,
        )
        applied_at_cuts = Sums()
        try:
            bot.start()
            for kept_ratio in (0.0, 0.5, 0.9):
                wait_for_all([bot])
                # Ingest is stopped: from now on nothing is acknowledged, and much is in the file.
                pipeline.ingest.signal(signal.SIGSTOP)
                wait_for_all([bot])
                bot.kill()
                disk.cut(random, kept_ratio)
                pipeline.ingest.signal(signal.SIGCONT)
                bot.start()
                applied_at_cuts = sums_of(pipeline.analytics)
            wait_for_all([bot])
            assert bot.stop() == 0
        finally:
            bot.end()
        _wait_applied(pipeline)
        diary, applied = bot.diary(), sums_of(pipeline.analytics)
        assert applied_at_cuts <= applied <= diary.kept + diary.in_doubt
