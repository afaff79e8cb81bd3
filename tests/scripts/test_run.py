"""`make run`'s supervisor with programs that stand in for the services: order of the stop, exit codes, Ctrl-C."""

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.helpers.ports import held_port
from tests.helpers.services import eventually

ROOT = Path(__file__).parents[2]
STEADY = """
import pathlib, signal, sys, time
def stop(*_):
    print("bye", flush=True)
    sys.exit({code})
signal.signal(signal.SIGTERM, stop)
pathlib.Path({mark!r}).touch()
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout in small: the script, and a Makefile that calls it as ours does."""
    (tmp_path / "scripts").mkdir()
    for name in ("run.py", "keep.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    (tmp_path / "Makefile").write_text(f"run:\n\t@{sys.executable} scripts/run.py\n", encoding="utf-8")
    return tmp_path


def add_process(project: Path, name: str, code: str) -> None:
    (project / f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")
    with (project / "Procfile").open("a", encoding="utf-8") as procfile:
        procfile.write(f"{name}: exec {sys.executable} {name}.py\n")


def add_steady_process(project: Path, name: str, exit_code: int = 0) -> None:
    add_process(project, name, STEADY.format(code=exit_code, mark=f"{name}.up"))


def wait_until_up(project: Path, *names: str) -> None:
    deadline = time.monotonic() + 20
    while not all((project / f"{name}.up").exists() for name in names):
        assert time.monotonic() < deadline, "the processes did not start"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """A shell starts what runs in the background with SIGINT ignored, and so would be all that we start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def start(project: Path) -> Iterator[subprocess.Popen[str]]:
    """The supervisor; ended in the end, however the test goes: to wait for it would be to wait for ever."""
    with subprocess.Popen(
        [sys.executable, "scripts/run.py"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as supervisor:
        try:
            yield supervisor
        finally:
            while supervisor.poll() is None:
                supervisor.terminate()  # the second time it kills what it has started
                with suppress(subprocess.TimeoutExpired):
                    supervisor.wait(1)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    for descriptor in (ours, theirs):
        os.close(descriptor)


def test_the_last_process_stops_first_and_a_clean_stop_is_exit_0(project: Path) -> None:
    add_steady_process(project, "analytics")
    add_steady_process(project, "ingest")
    with start(project) as supervisor:
        wait_until_up(project, "analytics", "ingest")
        supervisor.send_signal(signal.SIGTERM)
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 0, output
    assert output.index("ingest stopped (rc=0)") < output.index("analytics | bye")


def test_a_process_that_fails_ends_the_others_and_is_exit_1(project: Path) -> None:
    add_steady_process(project, "analytics")
    add_process(
        project,
        "ingest",
        """
        import pathlib, time
        while not pathlib.Path("analytics.up").exists():
            time.sleep(0.05)
        raise SystemExit(3)
        """,
    )
    with start(project) as supervisor:
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1, output
    assert output.splitlines()[-1].startswith("run: ended ingest with 3"), output
    assert "analytics | bye" in output


def test_who_asks_twice_is_told_that_he_did_and_not_to_look_for_an_error(project: Path) -> None:
    add_process(
        project,
        "ingest",
        """
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, lambda *_: pathlib.Path("asked.up").touch())
        pathlib.Path("ingest.up").touch()
        while True:
            time.sleep(0.05)
        """,
    )
    with start(project) as supervisor:
        wait_until_up(project, "ingest")
        supervisor.send_signal(signal.SIGINT)
        wait_until_up(project, "asked")
        supervisor.send_signal(signal.SIGINT)
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1, output
    assert output.splitlines()[-1] == "run: ended ingest with -9: it was asked to stop twice", output


def add_process_with_number(project: Path, name: str) -> None:
    """A steady one that writes its process number."""
    number = f"import os, pathlib\npathlib.Path('{name}.pid').write_text(str(os.getpid()))\n"
    add_process(project, name, number + textwrap.dedent(STEADY.format(code=0, mark=f"{name}.up")))


def test_a_process_that_is_killed_is_started_again_and_the_others_go_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that dies soon after its first start could not start: here no life is too short for a start.
    monkeypatch.setenv("KEEP_STARTED_AFTER_S", "0")
    add_steady_process(project, "analytics")
    add_process_with_number(project, "ingest")
    with start(project) as supervisor:
        wait_until_up(project, "analytics", "ingest")
        first = (project / "ingest.pid").read_text()
        (project / "ingest.up").unlink()
        os.kill(int(first), signal.SIGKILL)
        wait_until_up(project, "ingest")
        assert (project / "ingest.pid").read_text() != first
        supervisor.send_signal(signal.SIGTERM)
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 0, output
    assert re.search(r"keep: ingest was ended by SIGKILL after \d+ s, and is started again in 0.5 s", output)
    assert output.count("analytics | bye") == 1


def test_a_keeper_that_is_killed_leaves_no_process_behind(project: Path) -> None:
    add_process_with_number(project, "ingest")
    with start(project) as supervisor:
        wait_until_up(project, "ingest")
        process = psutil.Process(int((project / "ingest.pid").read_text()))
        keeper = process.parent()
        assert keeper is not None
        keeper.kill()
        supervisor.communicate(timeout=30)
    eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, what="its end")


def test_a_process_that_fails_while_it_stops_is_exit_1(project: Path) -> None:
    add_steady_process(project, "ingest", exit_code=1)
    with start(project) as supervisor:
        wait_until_up(project, "ingest")
        supervisor.send_signal(signal.SIGTERM)
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1, output


def test_the_environment_wins_over_the_env_file(project: Path) -> None:
    (project / ".env").write_text('INGEST_HTTP_PORT=1\nINGEST_FEEDS="sim://A sim://B"\n', encoding="utf-8")
    code = "import os\nprint(os.environ['INGEST_HTTP_PORT'], os.environ['INGEST_FEEDS'])\n"
    add_process(project, "ingest", code)
    done = subprocess.run(
        [sys.executable, "scripts/run.py"],
        cwd=project,
        env=os.environ | {"INGEST_HTTP_PORT": "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "2 sim://A sim://B" in done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_ctrl_c_on_the_terminal_ends_make_with_0(project: Path, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    add_steady_process(project, "ingest")
    # `setsid --ctty` makes the new terminal the program's own, as a terminal window does.
    make = subprocess.Popen(
        ["setsid", "--ctty", "--wait", "make", "run"],
        cwd=project,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with make:
        wait_until_up(project, "ingest")
        os.write(ours, b"\x03")
        output, _ = make.communicate(timeout=30)
    assert make.returncode == 0, output
    assert "ingest stopped (rc=0)" in output
    assert "Traceback" not in output


def test_all_taken_addresses_are_said_at_once_with_the_settings_that_move_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "Procfile").write_text("analytics: exec run-analytics\ningest: exec run-ingest\nui: exec run-ui\n")
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        ports = [server.getsockname()[1] for server in servers]
        free = [stack.enter_context(held_port()) for _ in range(5)]
        monkeypatch.setenv("INGEST_PULL_ENDPOINT", f"tcp://127.0.0.1:{ports[0]}")
        monkeypatch.setenv("UI_PAGE_PORT", str(ports[1]))
        monkeypatch.setenv("ANALYTICS_HTTP_PORT", str(ports[2]))
        monkeypatch.setenv("INGEST_ACKS_ENDPOINT", f"tcp://127.0.0.1:{ports[3]}")
        for name, port in zip(("INGEST_PROGRESS", "ANALYTICS_PULL", "UI_PULL"), free, strict=False):
            monkeypatch.setenv(f"{name}_ENDPOINT", f"tcp://127.0.0.1:{port}")
        for name, port in zip(("INGEST_HTTP_PORT", "UI_HTTP_PORT"), free[3:], strict=True):
            monkeypatch.setenv(name, str(port))
        with start(project) as supervisor:
            output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1
    said = output.strip().splitlines()
    assert len(said) == 5, output
    settings = ("INGEST_PULL_ENDPOINT", "UI_PAGE_PORT", "ANALYTICS_HTTP_PORT", "INGEST_ACKS_ENDPOINT")
    for port, setting in zip(ports, settings, strict=True):
        assert any(str(port) in line and setting in line for line in said[1:])
