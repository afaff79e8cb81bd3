"""The worker's main: loads the studies, then runs what analytics asks for, until the socket closes.

It is started by analytics only. What studies print is kept from the service's log; the kernel ends it with its parent.
"""

import argparse
import ctypes
import gc
import json
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from analytics.studies.protocol import (
    LENGTH,
    CallResult,
    CallResults,
    Loaded,
    Run,
    WorkerMessage,
    begun_calls,
    pack,
    unpack_run,
)
from analytics.studies.runner.calls import Caller, data_bytes
from analytics.studies.runner.frames import FrameMaker
from analytics.studies.runner.loading import Library

_PR_SET_PDEATHSIG = 1
_NICENESS = 19
"""The pipeline goes first where they share a core."""

_FULL_COLLECTION_RUNS = 50

_VALUES_A_MESSAGE = 2_000
"""Values after which a run is answered in parts: a message stays far below its limit."""


def main() -> int:
    """Runs until analytics closes the socket; the exit code."""
    arguments = _parser().parse_args()
    _die_with(arguments.parent)
    for number in (signal.SIGINT, signal.SIGHUP):
        # Ctrl-C reaches all processes of the terminal: it is for analytics, which then closes the socket.
        signal.signal(number, signal.SIG_IGN)
    _stand_back()
    channel = socket.socket(fileno=arguments.socket)
    memory = memoryview(mmap.mmap(arguments.memory, arguments.memory_bytes))
    library = Library()
    library.load(arguments.place, disabled=arguments.off, builtin=not arguments.no_builtin)
    _limit_memory(arguments.limit_bytes)
    gc.freeze()
    _yield_to_others()
    _send(channel, Loaded(library.specs(), library.problems))
    caller = Caller(library, FrameMaker(memory), json.loads(arguments.parameters))
    return _serve(channel, caller, begun_calls(memory))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="analytics.studies.runner.worker")
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


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def _limit_memory(limit_bytes: int) -> None:
    """From here on an allocation beyond what is used now and `limit_bytes` raises MemoryError."""
    used = data_bytes()
    if used is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (used + limit_bytes, resource.RLIM_INFINITY))


def _stand_back() -> None:
    """Leaves the cores to the pipeline, as far as niceness goes.

    Linux shares a core among sessions first, and by niceness within each: in the session of analytics, all that the
    worker runs would be counted against analytics.
    """
    if sys.platform == "linux":
        os.setsid()
        with suppress(OSError):  # a kernel without groups by session
            Path("/proc/self/autogroup").write_text(str(_NICENESS), encoding="ascii")
    os.nice(_NICENESS)


def _yield_to_others() -> None:
    """From here on it runs when no other process wants the core, and is put aside at once when one does."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _serve(channel: socket.socket, caller: Caller, begun: memoryview) -> int:
    runs = 0
    while (body := _receive(channel)) is not None:
        answer, values = CallResults([], is_last=False), 0
        for outcome in _outcomes(unpack_run(body), caller, begun):
            answer.calls.append(outcome)
            values += len(outcome.values)
            if values >= _VALUES_A_MESSAGE:
                _send(channel, answer)
                answer, values = CallResults([], is_last=False), 0
        answer.is_last = True
        _send(channel, answer)
        runs += 1
        if not runs % _FULL_COLLECTION_RUNS:
            gc.collect()
    return 0


def _outcomes(request: Run, caller: Caller, begun: memoryview) -> Iterator[CallResult]:
    caller.frames.rename(request.sources, request.accounts)
    for work in request.work:
        frames = {ref.symbol: caller.frames.make(ref) for ref in work.frames}
        for study in work.studies:
            begun[0] += 1
            yield caller.run(study, frames)


def _send(channel: socket.socket, message: WorkerMessage) -> None:
    channel.sendall(pack(message))


def _receive(channel: socket.socket) -> bytes | None:
    head = _read(channel, LENGTH.size)
    return None if head is None else _read(channel, LENGTH.unpack(head)[0])


def _read(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    sys.exit(main())
