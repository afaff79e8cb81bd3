"""The worker as analytics sees it: started, spoken to, and ended in bounded time however it behaves."""

import asyncio
import socket
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec

from analytics.studies.protocol import (
    LENGTH,
    MAX_MESSAGE_BYTES,
    AnalyticsMessage,
    WorkerMessage,
    begun_calls,
    pack,
    unpack_worker,
)
from analytics.studies.runner.errors import WorkerDiedError
from analytics.studies.runner.forks import ForkServer
from analytics.studies.runner.watch import CpuUse, cpu_use

_END_S: Final = 5.0
"""How long the end of a worker may take; after that its fork server is killed, and the worker with it."""

_STOP_S: Final = 1.0


class WorkerProcess:
    """One worker, from its start to its end, as a context."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._size: int | None = None
        self.pid: int
        self.memory: memoryview
        self.begun: memoryview
        """One cell: how many calls of a run have begun."""

    async def __aenter__(self) -> Self:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise WorkerDiedError(f"it could not be started: {error}") from error
        with theirs:
            self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MAX_MESSAGE_BYTES)
            try:
                self.pid, self.memory = await self._server.fork(theirs)
            except BaseException:
                self._writer.close()
                raise
        self.begun = begun_calls(self.memory)
        return self

    def cpu_use(self) -> CpuUse | None:
        """What it has used of the processor."""
        return cpu_use(self.pid)

    async def send(self, message: AnalyticsMessage) -> None:
        """Sends a message; raises `WorkerDiedError`."""
        try:
            self._writer.write(pack(message))
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
        # A service that stops does not wait for a full machine: the fork server's end takes the worker along.
        patience_s = _STOP_S if isinstance(error, asyncio.CancelledError) else _END_S
        with suppress(WorkerDiedError):
            await self._server.end_worker(patience_s)
