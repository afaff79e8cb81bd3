"""The fork server as analytics sees it: started when the first worker is wanted, and anew when it has gone.

Trades travel through memory that both have mapped. It has no name, so a process that dies leaves nothing behind.
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
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import structlog

from analytics.studies.protocol import END, FORK, PID
from analytics.studies.runner.errors import WorkerDiedError

START_S: Final = 60.0
"""How long the fork server may take to import pandas, and to answer."""

_LAST_BREATH_S: Final = 1.0
"""How long a fork server that has closed its socket may take to end."""

_MAX_LAST_LINES: Final = 20
_MAX_LINE: Final = 200
_LAST_LINES_BYTES: Final = 4_000
"""Of what a fork server has said before it ended, that many lines of that many characters are logged."""

_MODULE: Final = "analytics.studies.runner.fork_server"
_THREADS: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""One core at most, and a fork needs a single thread: NumPy's libraries would start as many as there are cores."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How workers are started.

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


class _Started(NamedTuple):
    process: Process
    control: socket.socket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    memory: memoryview
    """Unmapped with its last view."""
    errors: int
    """File descriptor of what it has written to its standard error."""


class ForkServer:
    """At most one process and one worker of it at a time, as a context; both end with it."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._started: _Started | None = None
        self._log = structlog.get_logger("studies")

    async def __aenter__(self) -> Self:
        return self

    async def fork(self, channel: socket.socket) -> tuple[int, memoryview]:
        """A new worker that serves this socket: its process id, and the memory in which trades travel.

        Raises:
            WorkerDiedError: there is none. Nothing is left of it.
        """
        if self._started is None:
            try:
                self._started = await self._start()
            except OSError as error:
                # No memory or no process is left: that is not for the pipeline to end with.
                raise WorkerDiedError(f"it could not be started: {error}") from error
        memory = self._started.memory
        return await self._ask(self._started, FORK, [channel.fileno()], START_S), memory

    async def end_worker(self, patience_s: float) -> None:
        """Kills the worker that was forked last, and the fork server too if that takes longer than this.

        Raises:
            WorkerDiedError: the fork server has gone, and the worker with it.
        """
        if self._started is not None:
            await self._ask(self._started, END, [], patience_s)

    async def _ask(self, started: _Started, what: bytes, channels: list[int], patience_s: float) -> int:
        async with AsyncExitStack() as unanswered:
            # Also when this is cancelled: a late answer would be taken for that to the next request.
            unanswered.push_async_callback(self._kill)
            try:
                socket.send_fds(started.control, [what], channels)
                async with asyncio.timeout(patience_s):
                    (pid,) = PID.unpack(await started.reader.readexactly(PID.size))
            except TimeoutError as error:
                raise WorkerDiedError(f"its fork server gave no answer in {patience_s:g} s") from error
            except (OSError, EOFError) as error:
                code = await _ended(started.process)
                self._log.error("study_fork_server_ended", exit_code=code, last_lines=_last_lines(started.errors))
                raise WorkerDiedError(f"its fork server has gone (exit code {code})") from error
            unanswered.pop_all()
        return int(pid)

    async def _start(self) -> _Started:
        with ExitStack() as opened:
            memory = _anonymous(self._options.memory_bytes)
            opened.callback(os.close, memory)
            # Memory, not a pipe: nobody need read it while it is written, and it cannot be full.
            errors = _anonymous(0)
            of_errors = opened.enter_context(ExitStack())
            of_errors.callback(os.close, errors)
            ours, theirs = map(opened.enter_context, socket.socketpair())
            process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno(), memory),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(), memory),
                env=dict(self._options.environment) | _THREADS,
            )
            async with AsyncExitStack() as unfinished:
                # Also when this is cancelled, or there are no descriptors left: nobody else knows of the process yet.
                unfinished.push_async_callback(_kill, process)
                mapped = memoryview(mmap.mmap(memory, self._options.memory_bytes))
                control = ours.dup()
                unfinished.callback(control.close)
                reader, writer = await asyncio.open_connection(sock=ours.dup())
                unfinished.pop_all()
            of_errors.pop_all()
            return _Started(process, control, reader, writer, mapped, errors)

    def _command(self, control: int, memory: int) -> list[str]:
        options = self._options
        return [
            *(sys.executable, "-m", _MODULE),
            *("--socket", str(control), "--memory", str(memory)),
            *("--memory-bytes", str(options.memory_bytes), "--limit-bytes", str(options.limit_bytes)),
            *("--parent", str(os.getpid()), "--parameters", json.dumps(options.parameters)),
            *(word for place in options.places for word in ("--place", place)),
            *(word for name in options.off for word in ("--off", name)),
            *([] if options.builtin else ["--no-builtin"]),
        ]

    async def _kill(self) -> None:
        started, self._started = self._started, None
        if started is None:
            return
        started.control.close()
        started.writer.close()
        os.close(started.errors)
        await _kill(started.process)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._kill()


async def _ended(process: Process) -> int | None:
    """Its exit code: it has closed its socket, and is on its way out. None if that takes long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_BREATH_S):
            await process.wait()
    return process.returncode


def _last_lines(errors: int) -> list[str]:
    """The end of what was written there: of a process that has crashed, the traceback."""
    size = os.fstat(errors).st_size
    text = os.pread(errors, _LAST_LINES_BYTES, max(size - _LAST_LINES_BYTES, 0)).decode("utf-8", "replace")
    return [line[:_MAX_LINE] for line in text.splitlines()[-_MAX_LAST_LINES:]]


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    # SIGKILL cannot be ignored: this returns at once, also when this task is cancelled.
    await process.wait()


def _anonymous(size: int) -> int:
    """A file descriptor of memory without a name."""
    if hasattr(os, "memfd_create"):
        memory = os.memfd_create("studies")
    else:
        with tempfile.TemporaryFile() as file:
            memory = os.dup(file.fileno())
    os.ftruncate(memory, size)
    return memory
