"""What goes over to the worker, and what is taken of its answers."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from analytics.studies.runner.errors import WorkerDiedError
from analytics.studies.runner.feed import FRAMES_A_TURN
from analytics.studies.runner.forks import ForkServer
from analytics.studies.runner.supervisor import FIRST_BACKOFF_S
from telemetry_runtime import SystemClock
from tests.analytics.studies.test_hostile import running, until
from tests.analytics.studies.worlds import StudyWorld, fork_server, trades, worker

pytestmark = pytest.mark.timeout(120)

SYMBOLS = [f"S{number} é+{number}" for number in range(2 * FRAMES_A_TURN + 3)]


def written(folder: Path, body: str) -> list[str]:
    (folder / "mine.py").write_text(f"from telemetry_studies import gauge, study\n\n{body}")
    return [str(folder)]


COUNTED = """
@study(window="5m", every="100ms", gauges=[gauge("rows", "Trades.")])
def counted(trades):
    return {"rows": len(trades)}
"""

CALLS = """
@study(window="5m", every="100ms", gauges=[gauge("calls", "Calls so far.")])
def calls(trades, state=0):
    return {"calls": (state or 0) + 1}, (state or 0) + 1
"""

MANY = """
NAMES = [gauge(f"v{number}", "A value.", label="x", max_values=100) for number in range(9)]

@study(window="5m", every="100ms", gauges=NAMES)
def many(trades):
    return {each.name: {str(x): x for x in range(100)} for each in NAMES}
"""


async def test_more_symbols_than_go_over_at_once_all_have_their_turn(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, COUNTED), symbols=SYMBOLS)
    for slot in range(len(SYMBOLS)):
        made.trades.add(trades(slot + 1, slot=slot))
    async with running(made):
        await until(made, lambda: made.value("rows", SYMBOLS[-1]) is not None)
        await until(made, lambda: all(made.value("rows", symbol) is not None for symbol in SYMBOLS))
    assert [made.value("rows", symbol) for symbol in SYMBOLS[1:]] == [slot + 1 for slot in range(1, len(SYMBOLS))]


async def test_an_answer_with_many_values_comes_in_parts(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, MANY), symbols=["A", "B", "C", "D"], max_series=10_000)
    for slot in range(4):
        made.trades.add(trades(1, slot=slot))
    async with running(made):
        await until(made, lambda: all(made.value("v8", symbol) is not None for symbol in "ABCD"))
    assert sum(1 for _ in made.results.series(0)) == 4 * 900
    assert not made.results.failures


async def test_a_worker_that_is_stopped_is_ended_and_started_again(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, COUNTED))
    async with running(made):
        await until(made, lambda: made.value("rows") is not None)
        found = worker()
        os.kill(found.pid, signal.SIGSTOP)
        await until(made, lambda: made.supervisor.starts > 1)
        runs = made.results.costs["counted"].runs
        await until(made, lambda: made.results.costs["counted"].runs > runs)
    assert not psutil.pid_exists(found.pid)


async def test_a_worker_that_cannot_be_started_is_tried_again_and_ends_nothing(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, COUNTED), environment={"TOO_LONG": "x" * 10_000_000})
    with capture_logs() as lines:
        async with running(made):
            await until(made, lambda: len(lines) > 1)
    assert all("could not be started" in line["why"] for line in lines)


async def test_files_that_have_changed_are_taken_over_with_the_next_worker(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, COUNTED + COUNTED.replace("counted", "old").replace('"rows"', '"gone"')))
    async with running(made):
        await until(made, lambda: made.value("rows") is not None and made.value("gone") is not None)
        written(tmp_path, COUNTED + COUNTED.replace("counted", "fresh").replace('"rows"', '"came"'))
        worker().kill()
        await until(made, lambda: made.value("came") is not None)
        runs = made.results.costs["counted"].runs
        await until(made, lambda: made.results.costs["counted"].runs > runs)
    assert made.value("gone") is None
    assert set(made.results.studies) == {"counted", "fresh"}


STARTS = """
import os, subprocess, time

@study(window="5m", every="100ms", gauges=[gauge("started", "Process that was started.")])
def starts(trades, state=0):
    if not state:
        state = subprocess.Popen(["sleep", "1000"]).pid
        if not os.fork():
            time.sleep(1000)
    return {"started": state}, state
"""


async def test_what_a_study_has_started_ends_with_its_worker(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, STARTS))
    async with running(made):
        await until(made, lambda: made.value("started") is not None)
        first = worker().children()
        worker().kill()
        await until(made, lambda: made.supervisor.starts > 1 and made.value("started") not in {None, first[0].pid})
        second = worker().children()
    assert (len(first), len(second)) == (2, 2)
    assert not psutil.wait_procs([*first, *second], timeout=10)[1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import time\n\ntime.sleep(1000)\n", "it gave no answer in its time"),
        ("import os\n\nos._exit(0)\n", "its process ended"),
        ("import os\n\nos.closerange(0, 1000)\n", "its process ended"),
    ],
)
async def test_a_file_that_hangs_or_ends_the_worker_as_it_is_loaded_is_left_out_and_the_others_run(
    tmp_path: Path, body: str, why: str
) -> None:
    places = written(tmp_path, COUNTED)
    bad = tmp_path / "bad é.py"
    bad.write_text(body)
    made = StudyWorld(places=places, load_s=0.5)
    made.trades.add(trades(3))
    with capture_logs() as lines:
        async with running(made):
            await until(made, lambda: made.value("rows") is not None)
    text = f"it is left out until the next start: {why}, as it was loaded"
    assert [(problem.where, problem.text) for problem in made.results.problems] == [(str(bad), text)]
    assert made.supervisor.starts == 3
    assert [line["where"] for line in lines if line["event"] == "study_unusable"] == [str(bad)]
    assert all(str(bad) in line["why"] for line in lines if line["event"] == "study_worker_ended")


async def test_what_is_no_file_in_a_folder_of_studies_is_said_and_not_waited_for(tmp_path: Path) -> None:
    places = written(tmp_path, COUNTED)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / ".#mine.py").symlink_to("somebody@host:1")  # how an editor marks a file that it has open
    made = StudyWorld(places=places)
    made.trades.add(trades(3))
    async with running(made):
        await until(made, lambda: made.value("rows") is not None)
    found = {Path(problem.where).name: problem.text for problem in made.results.problems}
    assert found == dict.fromkeys(("pipe.py", "link.py", "folder.py"), "it is no file")


async def test_a_symbol_without_new_trades_is_not_looked_at(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, CALLS), symbols=["A", "QUIET"])
    made.trades.add(trades(3, slot=1))
    async with running(made):
        await until(made, lambda: made.value("calls", "QUIET") is not None)
        await until(made, lambda: (made.value("calls", "A") or 0) >= 3)
    assert made.value("calls", "QUIET") == 1
    assert (made.value("calls", "A") or 0) >= 3


DRAWS = """
import numpy as np

FIRST = np.random.random()

@study(window="5m", every="100ms", gauges=[gauge("drawn", "A random number.")])
def draws(trades):
    return {"drawn": FIRST}
"""


async def test_the_next_worker_is_a_fork_of_the_same_server_and_draws_other_numbers(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, DRAWS))
    async with running(made):
        await until(made, lambda: made.value("drawn") is not None)
        drawn, server, first = made.value("drawn"), fork_server(), worker()
        first.kill()
        await until(made, lambda: made.value("drawn") != drawn)
        assert fork_server() == server
        assert worker() != first
        assert not psutil.pid_exists(first.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_fork_server_that_ends_or_hangs_is_started_again(tmp_path: Path, number: signal.Signals) -> None:
    made = StudyWorld(places=written(tmp_path, COUNTED))
    async with running(made):
        await until(made, lambda: made.value("rows") is not None)
        server, first = fork_server(), worker()
        os.kill(server.pid, number)
        first.kill()
        await until(made, lambda: made.supervisor.starts > 1)
        runs = made.results.costs["counted"].runs
        await until(made, lambda: made.results.costs["counted"].runs > runs)
        assert fork_server() != server
    assert not psutil.pid_exists(server.pid)


async def asked_to_end_a_worker(made: StudyWorld, number: signal.Signals, patience_s: float) -> str:
    """What is said of a fork server that got this signal after its first worker."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with ForkServer(made.options) as server:
            await server.fork(theirs)
            os.kill(fork_server().pid, number)
            with pytest.raises(WorkerDiedError) as raised:
                await server.end_worker(patience_s)
    return str(raised.value)


async def test_how_a_fork_server_has_gone_is_said() -> None:
    assert await asked_to_end_a_worker(StudyWorld(), signal.SIGKILL, 60.0) == "its fork server has gone (exit code -9)"
    assert "no answer in 0.1 s" in await asked_to_end_a_worker(StudyWorld(), signal.SIGSTOP, 0.1)


async def test_why_a_fork_server_has_crashed_is_logged_in_a_few_lines(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text(
        "import sys\nfor number in range(10_000): print(number, 'x' * 300, file=sys.stderr)\nraise OSError('no disk')"
    )
    made = StudyWorld(environment=dict(os.environ) | {"PYTHONPATH": str(tmp_path)})
    with capture_logs() as lines:
        async with running(made):
            await until(made, lambda: len(lines) > 1)
    said = next(line for line in lines if line["event"] == "study_fork_server_ended")
    assert (said["exit_code"], said["last_lines"][-1]) == (1, "OSError: no disk")
    assert len(said["last_lines"]) <= 20
    assert max(map(len, said["last_lines"])) <= 200


PRINTS = """
import os

@study(window="5m", every="100ms", gauges=[gauge("rows", "Trades.")])
def prints(trades):
    os.write(2, b"mine\\n")
    os.kill(os.getppid(), 9)
    return {"rows": len(trades)}
"""


async def test_what_a_study_writes_to_the_standard_error_is_not_taken_for_the_fork_servers(tmp_path: Path) -> None:
    made = StudyWorld(places=written(tmp_path, PRINTS))
    with capture_logs() as lines:
        async with running(made):
            await until(made, lambda: any(line["event"] == "study_fork_server_ended" for line in lines))
    said = next(line for line in lines if line["event"] == "study_fork_server_ended")
    assert (said["exit_code"], said["last_lines"]) == (-9, [])


class HurriedClock(SystemClock):
    """Waits no longer than a moment, and keeps how long it should have waited."""

    def __init__(self) -> None:
        self.backoffs_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds >= FIRST_BACKOFF_S:
            self.backoffs_s.append(seconds)
        await super().sleep(min(seconds, 0.01))


KILLS = """
import os, pathlib, time

@study(window="5m", every="100ms", gauges=[gauge("rows", "Trades.")])
def kills(trades):
    if pathlib.Path(__file__).with_suffix(".now").exists():
        os.kill(os.getppid(), 9)
        time.sleep(60)
    return {"rows": len(trades)}
"""


async def test_workers_that_cannot_be_started_after_a_study_has_killed_one_are_tried_ever_later(tmp_path: Path) -> None:
    environment, clock = dict(os.environ), HurriedClock()
    made = StudyWorld(places=written(tmp_path, KILLS), environment=environment, clock=clock)
    async with running(made):
        await until(made, lambda: made.value("rows") is not None)
        environment["TOO_LONG"] = "x" * 10_000_000
        (tmp_path / "mine.now").touch()
        await until(made, lambda: len(clock.backoffs_s) >= 4)
    assert clock.backoffs_s[:4] == [FIRST_BACKOFF_S * 2**number for number in range(4)]
