"""The fork server's main: it imports pandas once, and forks a worker whenever it is asked for one.

So a worker that is started again costs milliseconds, and not the import of pandas beside the pipeline. Nothing of a
user's runs here: the worker loads the studies, and what they do ends with it. The kernel ends this process with its
parent, and the worker with this process.
"""

import argparse
import gc
import importlib
import json
import mmap
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from analytics.studies.protocol import FORK, PID
from analytics.studies.runner.loading import BUILTIN
from analytics.studies.runner.worker import WorkerSettings, die_with, run_worker

_STDOUT_FD: Final = 1
_STDERR_FD: Final = 2

_NICENESS: Final = 19
"""The pipeline goes first where they share a core."""


def main() -> int:
    """Runs until analytics closes the socket; the exit code."""
    arguments = _parser().parse_args()
    die_with(arguments.parent)
    for number in (signal.SIGINT, signal.SIGHUP):
        # Ctrl-C reaches all processes of the terminal: it is for analytics, which then closes the socket.
        signal.signal(number, signal.SIG_IGN)
    importlib.import_module(BUILTIN)
    _stand_back()
    settings = WorkerSettings(
        places=arguments.place,
        off=arguments.off,
        builtin=not arguments.no_builtin,
        parameters=json.loads(arguments.parameters),
        limit_bytes=arguments.limit_bytes,
    )
    memory = memoryview(mmap.mmap(arguments.memory, arguments.memory_bytes))
    # What is here now is never collected, so that a worker does not copy it page by page.
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=arguments.socket), memory, settings)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="analytics.studies.runner.fork_server")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--limit-bytes", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True, help="process to die with")
    parser.add_argument("--place", action="append", default=[])
    parser.add_argument("--off", action="append", default=[])
    parser.add_argument("--no-builtin", action="store_true")
    parser.add_argument("--parameters", default="{}")
    return parser


def _stand_back() -> None:
    """From here on this process and its workers run only when no other process wants the core.

    Linux shares a core among sessions first, and by niceness within each: in the session of analytics, all that the
    worker runs would be counted against analytics. What is imported once comes before: a machine that is full would
    put it off for minutes.
    """
    os.nice(_NICENESS)
    if sys.platform != "linux":
        return
    os.setsid()
    with suppress(OSError):  # a kernel without groups by session
        Path("/proc/self/autogroup").write_text(str(_NICENESS), encoding="ascii")
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _serve(control: socket.socket, memory: memoryview, settings: WorkerSettings) -> None:
    worker = 0
    while True:
        asked, channels, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        if asked == FORK:
            parent = os.getpid()
            worker = os.fork()
            if not worker:
                _become_worker(channels[0], control, memory, settings, parent)
            _lead_group(worker)
            os.close(channels[0])
        else:
            # It holds nothing that is worth a clean end, and SIGKILL cannot be ignored. What studies have started ends
            # with it: until it is waited for, the group is there even if its leader is not.
            os.killpg(worker, signal.SIGKILL)
            os.waitpid(worker, 0)
        control.sendall(PID.pack(worker))


def _lead_group(worker: int) -> None:
    """Gives the worker a process group of its own; done on both sides, as either may be the first."""
    with suppress(OSError):  # it has ended
        os.setpgid(worker, worker)


def _become_worker(
    channel: int, control: socket.socket, memory: memoryview, settings: WorkerSettings, parent: int
) -> NoReturn:
    code = 1
    try:
        _lead_group(os.getpid())
        die_with(parent)
        control.close()
        # What studies print, past Python too, is kept from the service's log: there go the fork server's own errors.
        os.dup2(_STDOUT_FD, _STDERR_FD)
        code = run_worker(socket.socket(fileno=channel), memory, settings)
    finally:
        # Whatever happened: two processes must not wait for the same requests.
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
