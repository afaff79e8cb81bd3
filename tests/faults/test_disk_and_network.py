"""What hits a whole machine: a full disk, a network that is cut."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from tests.faults.test_durable_faults import (
    SEED,
    check_books,
    check_exact,
    running_bots,
    stop_all,
    wait_for_all,
)
from tests.faults.watch import CounterWatch
from tests.helpers.services import BIN, Pipeline, eventually

IN_CI_AS_ROOT = bool(os.environ.get("CI")) and sys.platform == "linux" and os.geteuid() == 0
"""There what needs rights must be there, and is not skipped."""

IP = "/usr/sbin/ip"


def run(*command: str | Path) -> None:
    """Runs a program of the system; skips the test where we may not."""
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        if IN_CI_AS_ROOT:
            raise
        pytest.skip(f"{command[0]}: {error}")


@contextmanager
def small_disk(path: Path, size_mib: int) -> Iterator[Path]:
    """A file system of its own in memory."""
    path.mkdir()
    run("/usr/bin/mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", path)
    try:
        yield path
    finally:
        subprocess.run(["/usr/bin/umount", "-l", path], check=True)


@contextmanager
def namespace(number: int) -> Iterator[tuple[str, str, str]]:
    """A network of its own, joined to ours by a cable: its name, our end of the cable, and the address of the other."""
    name, ours, theirs = f"faults{number}", f"fa{number}", f"fb{number}"
    network = f"10.{number // 256 % 256}.{number % 256}"
    run(IP, "netns", "add", name)
    try:
        run(IP, "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        run(IP, "addr", "add", f"{network}.1/30", "dev", ours)
        run(IP, "link", "set", ours, "up")
        for command in (f"addr add {network}.2/30 dev {theirs}", f"link set {theirs} up", "link set lo up"):
            run(IP, "netns", "exec", name, IP, *command.split())
        yield name, ours, f"{network}.2"
    finally:
        with suppress(subprocess.CalledProcessError):
            subprocess.run([IP, "netns", "del", name], check=True)


@pytest.mark.timeout(100)
def test_cuts_of_the_network_between_bots_ingest_and_analytics_cost_nothing(tmp_path: Path) -> None:
    random = Random(SEED)  # noqa: S311 - not for secrets
    with namespace(os.getpid() % 65_000) as (name, cable, address), Pipeline(tmp_path) as pipeline:
        ours = f"{address.rpartition('.')[0]}.1"
        ports = {
            setting: pipeline.ingest._environment[setting].rpartition(":")[2]
            for setting in ("INGEST_ANALYTICS_ENDPOINT", "INGEST_PROGRESS_ENDPOINT")
        }
        everywhere = {
            setting: f"tcp://0.0.0.0:{endpoint.rpartition(':')[2]}"
            for setting, endpoint in (
                ("INGEST_PULL_ENDPOINT", pipeline.endpoint),
                ("INGEST_ACKS_ENDPOINT", pipeline.acks_endpoint),
                ("INGEST_PROGRESS_ENDPOINT", ports["INGEST_PROGRESS_ENDPOINT"]),
                ("ANALYTICS_PULL_ENDPOINT", ports["INGEST_ANALYTICS_ENDPOINT"]),
            )
        }
        pipeline.set(
            **everywhere,
            INGEST_ANALYTICS_ENDPOINT=f"tcp://{ours}:{ports['INGEST_ANALYTICS_ENDPOINT']}",
            ANALYTICS_PROGRESS_ENDPOINT=f"tcp://{address}:{ports['INGEST_PROGRESS_ENDPOINT']}",
            INGEST_HTTP_HOST=address,
        )
        pipeline.ingest._command = [IP, "netns", "exec", name, BIN / "run-ingest"]
        pipeline.ingest.http_host = address
        pipeline.start()
        endpoint = f"tcp://{address}:{pipeline.endpoint.rpartition(':')[2]}"
        with running_bots(pipeline, tmp_path, rate=1_500, endpoint=endpoint) as bots:
            watch = CounterWatch(pipeline.analytics)
            for _ in range(4):
                wait_for_all(bots)
                subprocess.run([IP, "link", "set", cable, "down"], check=True)
                time.sleep(random.uniform(0.2, 1.5))
                subprocess.run([IP, "link", "set", cable, "up"], check=True)
            # A kill while it is cut: the bots' connections end without a word from the other side.
            subprocess.run([IP, "link", "set", cable, "down"], check=True)
            pipeline.ingest.kill()
            subprocess.run([IP, "link", "set", cable, "up"], check=True)
            pipeline.ingest.start().wait_ready()
            wait_for_all(bots)
            stop_all(bots)
            check_exact(pipeline, bots)
            watch.stop()
            assert watch.fallen == []
            check_books(pipeline)


@pytest.mark.timeout(100)
def test_a_full_disk_of_ingest_makes_durable_bots_wait_and_costs_nothing(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "ingest", 24) as disk,
        Pipeline(tmp_path).start() as pipeline,
        running_bots(pipeline, tmp_path, rate=1_500) as bots,
    ):
        for _ in range(2):
            wait_for_all(bots)
            filler = disk / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
            eventually(
                lambda: pipeline.ingest.metrics().total("telemetry_state_write_failures_total") > 0,
                within_s=30,
                what="the disk being full",
            )
            filler.unlink(missing_ok=True)
        # Killed while it is full: what it could not write is still with the bots.
        with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        pipeline.ingest.kill()
        (disk / "filler").unlink(missing_ok=True)
        pipeline.ingest.start().wait_ready()
        wait_for_all(bots)
        stop_all(bots)
        check_exact(pipeline, bots)
        check_books(pipeline)
