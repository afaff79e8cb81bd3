"""A log that cannot be written costs lines, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_runtime.log_writer import MAX_WAITING_LINES, LogWriter

PROGRAM = """
import asyncio, logging, sys, structlog
from telemetry_runtime import ExitHandler, ServiceSettings, run_service
from telemetry_runtime.logs import lost_log_lines

async def serve(settings):
    with ExitHandler() as handler:
        print("ready", flush=True)
        for number in range(5000):
            structlog.get_logger("probe").warning("line", number=number, text="x" * 100)
        logging.getLogger("asyncio").warning("a library's line")
        print("logged", flush=True)
        await handler.asked.wait()
    print(lost_log_lines(), flush=True)

sys.exit(run_service("probe", ServiceSettings, serve))
"""


def _stopped(process: "subprocess.Popen[bytes]") -> int:
    """Waits until all lines were logged, stops the process, and gives the lines that it says were lost."""
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert process.stdout.readline() == b"logged\n"
    process.send_signal(signal.SIGTERM)
    lost = int(process.stdout.readline())
    assert process.wait(20) == 0
    return lost


def _start(stderr: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_costs_lines_and_sigterm_still_ends_with_exit_code_0() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with _start(full) as process:
        os.close(full)
        assert _stopped(process) > 0


def test_a_closed_pipe_costs_lines_and_nothing_else() -> None:
    read, write = os.pipe()
    os.close(read)
    with _start(write) as process:
        os.close(write)
        assert _stopped(process) > 0


def test_a_reader_that_stops_reading_costs_lines_and_nothing_waits_for_it() -> None:
    read, write = os.pipe()
    with _start(write) as process:
        os.close(write)
        assert _stopped(process) > 0  # 5,000 lines of 200 bytes into a pipe of 64 KiB that nobody reads
    os.close(read)


def test_without_standard_error_a_service_runs_too() -> None:
    command = ["sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        _stopped(process)


def test_where_lines_can_be_written_all_are_and_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LogWriter(file.fileno())
        for number in range(MAX_WAITING_LINES // 2):
            writer.write(f"{number}\n")
        writer.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines == [str(number) for number in range(MAX_WAITING_LINES // 2)]
    assert writer.lost_lines == 0


def test_every_line_is_written_or_counted_as_lost() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    writer = LogWriter(write)
    for _ in range(5 * MAX_WAITING_LINES):
        writer.write("x" * 199 + "\n")
    lost = writer.lost_lines
    assert lost > 0
    os.set_blocking(read, True)
    got = 0
    while got < (5 * MAX_WAITING_LINES - lost) * 200:
        got += len(os.read(read, 65_536))
    writer.close()
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)


def test_a_long_line_is_cut_and_half_a_surrogate_pair_is_escaped(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LogWriter(file.fileno())
        writer.write("x" * 1_000_000)
        writer.write("\ud800\n")
        writer.close()
    first, second = (tmp_path / "log").read_bytes().splitlines()
    assert (len(first), second) == (65_536, b"\\ud800")
