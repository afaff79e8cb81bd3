"""The worker: loads the studies, then runs what analytics asks for, until the socket closes.

It is a fork of the fork server. What studies print is kept from the service's log.
"""

import ctypes
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.studies.protocol import (
    LENGTH,
    Begin,
    CallResult,
    CallResults,
    Loaded,
    Loading,
    Run,
    WorkerMessage,
    begun_calls,
    pack,
    unpack_analytics,
)
from analytics.studies.runner.calls import Caller, data_bytes
from analytics.studies.runner.frames import FrameMaker
from analytics.studies.runner.loading import Library

_PR_SET_PDEATHSIG: Final = 1

_FULL_COLLECTION_RUNS: Final = 50

_VALUES_A_MESSAGE: Final = 2_000
"""Values after which a run is answered in parts: a message stays far below its limit."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Which studies are loaded, with which parameters, and what they may allocate."""

    places: Sequence[str]
    off: Sequence[str]
    builtin: bool
    parameters: Mapping[str, Mapping[str, Any]]
    limit_bytes: int


def run_worker(channel: socket.socket, memory: memoryview, settings: WorkerSettings) -> int:
    """Runs until analytics closes the socket; the exit code."""
    # Else all workers of one fork server would draw the same numbers.
    np.random.seed()  # noqa: NPY002 - studies may use the global generator
    library = Library(_left_out(channel), lambda where: _send(channel, Loading(where)))
    library.load(settings.places, disabled=settings.off, builtin=settings.builtin)
    _limit_memory(settings.limit_bytes)
    gc.freeze()
    _send(channel, Loaded(library.specs(), library.problems))
    caller = Caller(library, FrameMaker(memory), settings.parameters)
    return _serve(channel, caller, begun_calls(memory))


def _left_out(channel: socket.socket) -> dict[str, str]:
    """Files and modules that are not to be loaded, each with why."""
    body = _receive(channel)
    message = None if body is None else unpack_analytics(body)
    return {each.where: each.text for each in message.left_out} if isinstance(message, Begin) else {}


def die_with(parent: int) -> None:
    """Has the kernel end this process when its parent, which has this id, ends."""
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


def _serve(channel: socket.socket, caller: Caller, begun: memoryview) -> int:
    runs = 0
    while (body := _receive(channel)) is not None:
        answer, values = CallResults([], is_last=False), 0
        message = unpack_analytics(body)
        for outcome in _outcomes(message, caller, begun) if isinstance(message, Run) else ():
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
