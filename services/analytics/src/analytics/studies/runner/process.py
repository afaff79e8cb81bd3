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
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from analytics.studies.protocol import LENGTH, MAX_MESSAGE_BYTES, Run, WorkerMessage, pack, unpack_worker

_MODULE: Final = "analytics.studies.runner.worker"
_THREADS: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""One core at most: NumPy's libraries would each start as many threads as there are cores."""


class WorkerDiedError(Exception):
    """The worker is gone, or has said something that is no message."""


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
        self.memory: memoryview

    async def __aenter__(self) -> Self:
        memory = _anonymous(self._options.memory_bytes)
        ours, theirs = socket.socketpair()
        try:
            # Unmapped with its last view.
            self.memory = memoryview(mmap.mmap(memory, self._options.memory_bytes))
            self._process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno(), memory),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                pass_fds=(theirs.fileno(), memory),
                env=dict(self._options.environment) | _THREADS,
            )
            self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MAX_MESSAGE_BYTES)
        finally:
            theirs.close()
            os.close(memory)
        return self

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

    async def send(self, run: Run) -> None:
        """Sends a message; raises `WorkerDiedError`."""
        try:
            self._writer.write(pack(run))
            await self._writer.drain()
        except OSError as error:
            raise WorkerDiedError(str(error)) from error

    async def receive(self) -> WorkerMessage:
        """The next message; raises `WorkerDiedError`. Cancelled half way the channel is of no more use."""
        try:
            (size,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if size > MAX_MESSAGE_BYTES:
                raise WorkerDiedError(f"it sent {size:,} bytes")
            return unpack_worker(await self._reader.readexactly(size))
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
