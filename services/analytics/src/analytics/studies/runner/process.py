"""The worker's process as analytics sees it: started, spoken to, and ended in bounded time however it behaves.

The trades travel through anonymous memory that both processes have mapped, the messages through a socket pair. Neither
has a name, so a process that dies leaves nothing behind.
"""

import asyncio
import json
import mmap
import os
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from analytics.studies.protocol import LENGTH, MAX_MESSAGE_BYTES, Run, WorkerMessage, begun_calls, pack, unpack_worker
from analytics.studies.runner.watch import CpuUse, cpu_use

_MODULE: Final = "analytics.studies.runner.worker"
_THREADS: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""One core at most: NumPy's libraries would each start as many threads as there are cores."""


class WorkerDiedError(Exception):
    """The worker is gone, could not be started, or has said something that is no message."""


class WorkerHungError(WorkerDiedError):
    """A call has not come to its end in its time."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How the worker is started.

    Args:
        places: files, folders and modules with studies.
        off: names of studies that are left out.
        builtin: whether the microstructure set is loaded.
        parameters: by study, keyword arguments that differ from their defaults.
        limit_bytes: what studies may allocate.
        memory_bytes: size of the memory in which trades travel.
        environment: the environment variables of the process.
    """

    places: Sequence[str]
    off: Sequence[str]
    builtin: bool
    limit_bytes: int
    memory_bytes: int
    environment: Mapping[str, str]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class WorkerProcess:
    """One worker, from its start to its end, as a context."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._process: Process
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._size: int | None = None
        self.memory: memoryview
        self.begun: memoryview

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except OSError as error:
            # No memory or no process is left: that is not for the pipeline to end with.
            raise WorkerDiedError(f"it could not be started: {error}") from error
        return self

    async def _start(self) -> None:
        with ExitStack() as opened:
            memory = _anonymous(self._options.memory_bytes)
            opened.callback(os.close, memory)
            ours, theirs = map(opened.enter_context, socket.socketpair())
            # Unmapped with its last view.
            self.memory = memoryview(mmap.mmap(memory, self._options.memory_bytes))
            self.begun = begun_calls(self.memory)
            self._process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno(), memory),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                pass_fds=(theirs.fileno(), memory),
                env=dict(self._options.environment) | _THREADS,
            )
            self._reader, self._writer = await asyncio.open_connection(sock=ours.dup(), limit=MAX_MESSAGE_BYTES)

    def _command(self, channel: int, memory: int) -> list[str]:
        options = self._options
        return [
            *(sys.executable, "-m", _MODULE),
            *("--socket", str(channel), "--memory", str(memory)),
            *("--memory-bytes", str(options.memory_bytes), "--limit-bytes", str(options.limit_bytes)),
            *("--parent", str(os.getpid()), "--parameters", json.dumps(options.parameters)),
            *(word for place in options.places for word in ("--place", place)),
            *(word for name in options.off for word in ("--off", name)),
            *([] if options.builtin else ["--no-builtin"]),
        ]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_use(self) -> CpuUse | None:
        """What it has used of the processor."""
        return cpu_use(self.pid)

    async def send(self, run: Run) -> None:
        """Sends a message; raises `WorkerDiedError`."""
        try:
            self._writer.write(pack(run))
            await self._writer.drain()
        except OSError as error:
            raise WorkerDiedError(str(error)) from error

    async def receive(self) -> WorkerMessage:
        """The next message; raises `WorkerDiedError`. Cancelled here nothing is lost: the next call goes on."""
        try:
            if self._size is None:
                (self._size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if self._size > MAX_MESSAGE_BYTES:
                raise WorkerDiedError(f"it sent {self._size:,} bytes")
            body = await self._reader.readexactly(self._size)
            self._size = None
            return unpack_worker(body)
        except (OSError, EOFError) as error:
            raise WorkerDiedError("its process ended") from error
        except msgspec.DecodeError as error:
            raise WorkerDiedError(f"it sent no message: {error}") from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        if self._process.returncode is None:
            # It holds nothing that is worth a clean end.
            self._process.kill()
        # SIGKILL cannot be ignored: this returns at once, also when this task is cancelled.
        await self._process.wait()


def _anonymous(size: int) -> int:
    """A file descriptor of memory without a name."""
    if hasattr(os, "memfd_create"):
        memory = os.memfd_create("studies")
    else:
        with tempfile.TemporaryFile() as file:
            memory = os.dup(file.fileno())
    os.ftruncate(memory, size)
    return memory
