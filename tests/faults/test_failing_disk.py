"""A disk whose calls fail, one kind after the other, while durable bots send: what is applied is what was kept."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.power_cut import compiled
from tests.faults.test_durable_faults import check_books, check_exact, running_bots, stop_all, wait_for_all
from tests.helpers.services import Pipeline, Service, eventually

FAILURES = {
    "unlink": errno.EACCES,
    "rename": errno.EIO,
    "open": errno.EROFS,
    "write": errno.EDQUOT,
}
"""Calls that may fail for a while, and the service goes on."""


class FaultyDisk:
    """Of one service: lets its calls fail."""

    def __init__(self, directory: Path, service: Service, library: Path) -> None:
        root = directory / service.program.removeprefix("run-")
        self._faults = directory / f"{root.name}-faults"
        self._faults.mkdir()
        self.service = service
        service.set(LD_PRELOAD=str(library), FAULTY_DISK_ROOT=str(root), FAULTY_DISK_FAULTS=str(self._faults))

    @contextmanager
    def failing(self, call: str, number: int) -> Iterator[None]:
        """Meanwhile that call fails with that error."""
        part = self._faults / "part"
        part.write_text(str(number))
        part.rename(self._faults / call)
        yield
        (self._faults / call).unlink()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("faulty_disk", tmp_path_factory.mktemp("disk"))


def _failures(service: Service) -> float:
    """Writes that did not succeed."""
    metrics = service.metrics()
    checkpoints = metrics.value("telemetry_checkpoints_total", outcome="failed")
    return metrics.total("telemetry_state_write_failures_total") + checkpoints


def _fail_for_a_while(disk: FaultyDisk, call: str, number: int) -> None:
    before = _failures(disk.service)
    with disk.failing(call, number):
        eventually(lambda: _failures(disk.service) > before, what=f"{call} failing in {disk.service.program}")


@pytest.mark.timeout(150)
def test_whatever_call_fails_for_a_while_nothing_is_lost_and_nothing_counts_twice(
    tmp_path: Path, library: Path
) -> None:
    # Segments are begun and removed, and checkpoints written, several times a second.
    pipeline = Pipeline(tmp_path, INGEST_LOG_MAX_AGE_S="0.4", ANALYTICS_CHECKPOINT_INTERVAL_S="0.2")
    disks = [FaultyDisk(tmp_path, service, library) for service in (pipeline.ingest, pipeline.analytics)]
    with pipeline.start(), running_bots(pipeline, tmp_path, rate=1_000) as bots:
        wait_for_all(bots)
        for call, number in FAILURES.items():
            for disk in disks:
                _fail_for_a_while(disk, call, number)
        _fail_to_sync(disks[0])
        wait_for_all(bots)
        stop_all(bots)
        check_exact(pipeline, bots)
        check_books(pipeline)
        assert "Traceback" not in pipeline.analytics.log()


def _fail_to_sync(disk: FaultyDisk) -> None:
    """Of a disk that failed to sync nobody knows what is on it: ingest ends, and one that is started again goes on."""
    with disk.failing("sync", errno.EIO):
        eventually(lambda: disk.service.process.poll() is not None, what="the end")
        assert disk.service.start().process.wait(20) == 1
        assert disk.service.log().splitlines()[-1].endswith("cannot be used: Input/output error")
    disk.service.start().wait_ready()
