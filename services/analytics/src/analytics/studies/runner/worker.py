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

from analytics.studies.protocol import LENGTH, Ended, Loaded, WorkerMessage, pack, unpack_run
from analytics.studies.runner.calls import Caller, data_bytes, resident_bytes
from analytics.studies.runner.frames import FrameMaker
from analytics.studies.runner.loading import Library

_PR_SET_PDEATHSIG = 1
_NICENESS = 10
"""The pipeline goes first where they share a core."""

_FULL_COLLECTION_RUNS = 200


def main() -> int:
    """Runs until analytics closes the socket; the exit code."""
    arguments = _parser().parse_args()
    _die_with(arguments.parent)
    for number in (signal.SIGINT, signal.SIGHUP):
        # Ctrl-C reaches the whole process group: it is for analytics, which then closes the socket.
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    channel = socket.socket(fileno=arguments.socket)
    memory = mmap.mmap(arguments.memory, arguments.memory_bytes)
    library = Library()
    library.load(arguments.place, disabled=arguments.off, builtin=not arguments.no_builtin)
    _limit_memory(arguments.limit_bytes)
    _send(channel, Loaded(library.specs(), library.problems))
    gc.freeze()
    caller = Caller(library, FrameMaker(memoryview(memory)), json.loads(arguments.parameters))
    return _serve(channel, caller)


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


def _serve(channel: socket.socket, caller: Caller) -> int:
    runs = 0
    while (body := _receive(channel)) is not None:
        request = unpack_run(body)
        caller.frames.rename(request.sources, request.accounts)
        frames = {ref.symbol: caller.frames.make(ref) for ref in request.frames}
        for study in request.studies:
            _send(channel, caller.run(request, study, frames))
        _send(channel, Ended(request.number, resident_bytes()))
        runs += 1
        if not runs % _FULL_COLLECTION_RUNS:
            gc.collect()
    return 0


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
