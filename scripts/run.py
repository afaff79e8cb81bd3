"""Starts the processes of the Procfile and stops them together: what `make run` calls.

honcho starts them, watches them and colours their lines. This adds what a pipeline needs beyond that. The addresses are
printed. A process that dies is started again (`keep.py`). The processes stop one after the other, the last of the
Procfile first, so that what ingest has accepted still finds analytics. The exit code is 0 when every process ended
cleanly, whoever asked for the stop.
"""

import errno
import os
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import honcho.manager
from dotenv import dotenv_values
from honcho.environ import parse_procfile
from honcho.manager import Manager

ROOT = Path(__file__).resolve().parent.parent
STOP_LIMIT_S = (
    20.0  # from a process's SIGTERM to its SIGKILL: more than the grace time that the services give themselves
)
POLL_S = 0.02
ADDRESSES = """\
  page        http://{UI_PAGE_HOST}:{UI_PAGE_PORT}
  trades in   {INGEST_PULL_ENDPOINT}
  ingest      http://{INGEST_HTTP_HOST}:{INGEST_HTTP_PORT}/metrics
  analytics   http://{ANALYTICS_HTTP_HOST}:{ANALYTICS_HTTP_PORT}/metrics
  ui          http://{UI_HTTP_HOST}:{UI_HTTP_PORT}/metrics
  Ctrl-C stops all; a second one does not wait."""
DEFAULTS = {
    "INGEST_PULL_ENDPOINT": "tcp://127.0.0.1:5555",
    "INGEST_ACKS_ENDPOINT": "tcp://127.0.0.1:5559",
    "INGEST_PROGRESS_ENDPOINT": "tcp://127.0.0.1:5558",
    "ANALYTICS_PULL_ENDPOINT": "tcp://127.0.0.1:5556",
    "UI_PULL_ENDPOINT": "tcp://127.0.0.1:5557",
    "INGEST_HTTP_HOST": "127.0.0.1",
    "INGEST_HTTP_PORT": "8000",
    "ANALYTICS_HTTP_HOST": "127.0.0.1",
    "ANALYTICS_HTTP_PORT": "8001",
    "UI_PAGE_HOST": "127.0.0.1",
    "UI_PAGE_PORT": "8501",
    "UI_HTTP_HOST": "127.0.0.1",
    "UI_HTTP_PORT": "8002",
}

LISTENS = {
    "run-analytics": {
        "ANALYTICS_PULL_ENDPOINT (and INGEST_ANALYTICS_ENDPOINT)": "{ANALYTICS_PULL_ENDPOINT}",
        "ANALYTICS_HTTP_PORT": "tcp://{ANALYTICS_HTTP_HOST}:{ANALYTICS_HTTP_PORT}",
    },
    "run-ingest": {
        "INGEST_PULL_ENDPOINT (and UI_INGEST_ENDPOINT)": "{INGEST_PULL_ENDPOINT}",
        "INGEST_ACKS_ENDPOINT": "{INGEST_ACKS_ENDPOINT}",
        "INGEST_PROGRESS_ENDPOINT (and ANALYTICS_PROGRESS_ENDPOINT)": "{INGEST_PROGRESS_ENDPOINT}",
        "INGEST_HTTP_PORT": "tcp://{INGEST_HTTP_HOST}:{INGEST_HTTP_PORT}",
    },
    "run-ui": {
        "UI_PULL_ENDPOINT (and INGEST_UI_ENDPOINTS, ANALYTICS_UI_ENDPOINTS)": "{UI_PULL_ENDPOINT}",
        "UI_HTTP_PORT": "tcp://{UI_HTTP_HOST}:{UI_HTTP_PORT}",
        "UI_PAGE_PORT": "tcp://{UI_PAGE_HOST}:{UI_PAGE_PORT}",
    },
}
"""Where each program listens, by the settings that say so."""


class OrderedManager(Manager):  # type: ignore[misc]  # honcho has no types
    """honcho's manager, but it stops the processes in reverse order, and kills what is left at a second request."""

    def __init__(self) -> None:
        super().__init__()
        self._own_pid = os.getpid()
        self._is_asked = False
        self.is_forced = False
        """Whether somebody asked twice: then what had not stopped was killed."""
        self._stopper: threading.Thread | None = None

    def exit_code(self) -> int:
        """0 when every process ended with 0, else 1."""
        return int(any(process.get("returncode") != 0 for process in self._processes.values()))

    def failed(self) -> list[str]:
        """`name with code` of each process that did not end with 0."""
        codes = {name: process.get("returncode") for name, process in self._processes.items()}
        return [f"{name} with {code}" for name, code in codes.items() if code]

    def terminate(self) -> None:
        """Begins to stop the processes. honcho calls it too, when the first of them has stopped."""
        if self._stopper is None:
            self._stopper = threading.Thread(target=self._stop_in_order, name="stopper", daemon=True)
            self._stopper.start()

    def _start(self) -> None:
        # honcho has just set its own handlers, which know neither a second request nor a closed terminal.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        super()._start()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._own_pid:
            return  # a child of honcho's that has not come to its own handlers yet; the stop is not its affair
        if self._is_asked:
            self.is_forced = True
            self.kill()
        else:
            self._is_asked = True
            self.terminate()

    def _stop_in_order(self) -> None:
        for process in reversed(list(self._processes.values())):
            # Asked at once after the start, the process may have no number yet.
            _wait_for(lambda process=process: "pid" in process or "returncode" in process)  # type: ignore[misc]
            if "pid" in process and "returncode" not in process:
                self._procmgr.terminate(process["pid"])
                _wait_for(lambda process=process: "returncode" in process)  # type: ignore[misc]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + STOP_LIMIT_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(POLL_S)


@contextmanager
def _alone_on_the_terminal() -> Iterator[None]:
    """Makes this process the terminal's foreground group, so that Ctrl-C goes to it and not to `make` above it.

    make would end with "Interrupt" and 130 however cleanly we stop. While we are alone there Ctrl-Z has to be ignored:
    it would stop us but not make, and the terminal would answer nobody.
    """
    terminal = 0
    parents = os.getpgrp()
    if parents == os.getpid() or not os.isatty(terminal) or os.tcgetpgrp(terminal) != parents:
        yield
        return
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # or the kernel stops us when we give the terminal back
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, parents)


def _environment() -> dict[str, str]:
    """The environment of the processes: what is set wins over .env, and that over the defaults."""
    from_file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    environment = {"PYTHONUNBUFFERED": "1", **from_file, **os.environ}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    if sys.stdout.isatty():
        # Between us and the services is a pipe, which they take for a log collector.
        for service in ("INGEST", "ANALYTICS", "UI"):
            environment.setdefault(f"{service}_LOG_FORMAT", "console")
    return environment


def _taken(commands: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """The addresses where somebody else listens already, each with the settings that would move it."""
    values = {**DEFAULTS, **environment}
    words = {word for command in commands for word in command.split()}
    endpoints = {
        setting: endpoint.format_map(values)
        for program, settings in LISTENS.items()
        if program in words
        for setting, endpoint in settings.items()
    }
    return [f"{endpoint}: {setting}" for setting, endpoint in endpoints.items() if not _is_free(endpoint)]


def _is_free(endpoint: str) -> bool:
    """Whether one can listen there; also where that cannot be said: the service itself says what is wrong then."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    host = host.strip("[]")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.replace("*", "0.0.0.0"), int(port)))  # noqa: S104 - as the service would
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    except ValueError:
        return True
    return True


def main() -> int:
    """Runs until a process cannot start or somebody asks for the stop."""
    environment = _environment()
    processes = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
    if taken := _taken(processes.values(), environment):
        # All at once: each service would only tell its first one.
        print("run: somebody listens there already; stop it, or set these to other addresses:", *taken, sep="\n  ")
        return 1
    honcho.manager.KILL_WAIT = STOP_LIMIT_S
    manager = OrderedManager()
    for name, command in processes.items():
        kept = shlex.join([sys.executable, str(ROOT / "scripts" / "keep.py"), name, command])
        manager.add_process(name, f"exec {kept}", env=environment, cwd=str(ROOT))
    print(ADDRESSES.format_map(DEFAULTS | environment), flush=True)
    with _alone_on_the_terminal():
        manager.loop()
    if failed := manager.failed():
        # The line that says why stands above what the others said while they stopped.
        why = "it was asked to stop twice" if manager.is_forced else "the first error line of each says why"
        print(f"run: ended {', '.join(failed)}: {why}", flush=True)
    return manager.exit_code()


if __name__ == "__main__":
    sys.exit(main())
