"""The services under load: those that answer, or a pair of our own on free ports, stopped at the end."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtest.options import Target
from loadtest.scrape import AwayError, get

READY_S = 30.0
"""How long a service may take to start; a loaded machine takes a few seconds."""

STOP_S = 20.0
"""How long it may take to stop, then it is killed."""

_LOOK_S = 0.05
_ASK_S = 2.0


class StackError(Exception):
    """There is no stack to load, and none can be started; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the services are. `pids` are known only of our own, by service."""

    target: Target
    pids: dict[str, int] = field(default_factory=dict)
    acks_endpoint: str = ""
    """Where our own ingest acknowledges durable publishers."""

    @property
    def is_own(self) -> bool:
        """Whether we have started it."""
        return bool(self.pids)


@contextmanager
def find_or_start(target: Target, report: Callable[[str], None]) -> Iterator[Stack]:
    """The stack that answers, or one of our own while the context is open.

    Raises:
        StackError: only half of a stack answers, or ours does not start.
    """
    answers = {} if target.own_stack else {url: _is_ready(url) for url in (target.ingest_url, target.analytics_url)}
    if answers and all(answers.values()):
        report(f"Loading the stack that runs: trades to {target.endpoint}, metrics of {' and '.join(answers)}.")
        yield Stack(target)
        return
    if any(answers.values()):
        away = ", ".join(url for url, is_ready in answers.items() if not is_ready)
        raise StackError(f"half of a stack answers, but not {away}: start the rest, or use --own-stack")
    with tempfile.TemporaryDirectory(prefix="loadtest-") as directory, ExitStack() as stack:
        own = start(Path(directory), stack)
        why = "As asked" if target.own_stack else f"No stack answers at {target.ingest_url}"
        urls = f"ingest ({own.target.ingest_url}) and analytics ({own.target.analytics_url})"
        report(f"{why}: started {urls}; they stop again.")
        yield replace(own, target=replace(own.target, grafana_url=target.grafana_url))


def _is_ready(url: str) -> bool:
    try:
        get(f"{url}/readyz", timeout_s=_ASK_S)
    except AwayError:
        return False
    return True


def hold_ports(stack: ExitStack, count: int) -> list[int]:
    """Ports that nobody else is given until the stack ends; connecting is refused until somebody listens.

    A socket that is bound but does not listen keeps the system from giving the port away. Whoever sets `SO_REUSEADDR`,
    as libzmq, asyncio and Streamlit do, may listen there all the same.
    """
    holders = [stack.enter_context(socket.socket()) for _ in range(count)]
    for holder in holders:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
    return [int(holder.getsockname()[1]) for holder in holders]


def start(
    directory: Path, stack: ExitStack, *, ui_endpoint: str = "", settings: Mapping[str, str] | None = None
) -> Stack:
    """Ingest without feeds and analytics, wired to each other; `stack` stops them, ingest first.

    Raises:
        StackError: one of them does not become ready.
    """
    pull, batches, progress, acks, ingest_http, analytics_http = hold_ports(stack, 6)
    target = Target(
        endpoint=f"tcp://127.0.0.1:{pull}",
        ingest_url=f"http://127.0.0.1:{ingest_http}",
        analytics_url=f"http://127.0.0.1:{analytics_http}",
    )
    environment = {
        "INGEST_FEEDS": "",
        "INGEST_PULL_ENDPOINT": target.endpoint,
        "INGEST_ANALYTICS_ENDPOINT": f"tcp://127.0.0.1:{batches}",
        "INGEST_PROGRESS_ENDPOINT": f"tcp://127.0.0.1:{progress}",
        "INGEST_ACKS_ENDPOINT": f"tcp://127.0.0.1:{acks}",
        "INGEST_UI_ENDPOINTS": "",
        "INGEST_HTTP_PORT": str(ingest_http),
        "INGEST_DATA_DIR": str(directory / "ingest"),
        "ANALYTICS_PULL_ENDPOINT": f"tcp://127.0.0.1:{batches}",
        "ANALYTICS_PROGRESS_ENDPOINT": f"tcp://127.0.0.1:{progress}",
        "ANALYTICS_UI_ENDPOINTS": ui_endpoint,
        "ANALYTICS_HTTP_PORT": str(analytics_http),
        "ANALYTICS_DATA_DIR": str(directory / "analytics"),
        **(settings or {}),
    }
    pids: dict[str, int] = {}
    for service, url in (("analytics", target.analytics_url), ("ingest", target.ingest_url)):
        process = stack.enter_context(_service(service, environment, directory / f"{service}.log"))
        _wait_ready(service, url, process, directory / f"{service}.log")
        pids[service] = process.pid
    return Stack(target, pids, f"tcp://127.0.0.1:{acks}")


@contextmanager
def _service(name: str, environment: Mapping[str, str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    program = Path(sys.executable).with_name(f"run-{name}")
    if not program.exists():
        raise StackError(f"no stack answers, and {program} is not there to start one: start a stack, or `make setup`")
    with log.open("wb") as output:
        # In a session of its own: Ctrl-C is for the load test, which then stops its services itself.
        process = subprocess.Popen([program], env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(name: str, url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end_s = time.monotonic() + READY_S
    while not _is_ready(url):
        if process.poll() is not None or time.monotonic() > end_s:
            raise StackError(f"{name} does not start:\n{log.read_text()}")
        time.sleep(_LOOK_S)
