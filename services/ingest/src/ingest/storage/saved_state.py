"""State that is restored at the start of the process and saved when it has changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from ingest.storage.state_file import StateFile
from telemetry_runtime import Clock

OffLoop: TypeAlias = Callable[[Callable[[], bool]], Awaitable[bool]]
"""Does work that waits for the disk, and gives its result."""


async def in_thread(work: Callable[[], bool]) -> bool:
    """Does the work in a thread, so that the event loop does not wait for the disk."""
    written = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(written)
    except asyncio.CancelledError:
        # The thread cannot be cancelled: were it left alone, it might overwrite what is written after this.
        await asyncio.wait([written])
        raise


class Restorable(Protocol):
    """State that can be written to a file and read back."""

    @property
    def changes(self) -> int:
        """Grows whenever there is something new to save."""
        ...

    def dump(self, *, clean: bool) -> Iterator[bytes]:
        """The content of the file in pieces, each less than a millisecond of work.

        The state may move between two of them. `clean` says that the process ends here as it should.
        """
        ...

    def restore(self, content: bytes) -> None:
        """Takes over the content of the file.

        Raises:
            ValueError: it is not valid.
        """
        ...

    def restore_unknown(self) -> None:
        """Takes over that there was a file which nobody can read."""
        ...


class SavedState:
    """A `Restorable` and its file: restored when the context opens, saved when it has changed and when it closes."""

    def __init__(self, file: StateFile, state: Restorable, *, every_s: float, off_loop: OffLoop = in_thread) -> None:
        self.file = file
        self._state, self._every_s, self._off_loop = state, every_s, off_loop
        self._saved_changes = 0
        self._one_at_a_time = asyncio.Lock()

    def __enter__(self) -> Self:
        content = self.file.read()
        if content is not None:
            try:
                self._state.restore(content)
            except ValueError as error:
                self.file.set_aside(error)
                self._state.restore_unknown()
        self._saved_changes = self._state.changes
        return self

    async def keep(self, clock: Clock) -> None:
        """Saves what has changed, every `every_s` seconds; for ever."""
        # The pipeline runs from here on: should this process crash before the first change is saved, the file must not
        # say that the process ended as it should.
        self._saved_changes = -1
        while True:
            await self.save()
            await clock.sleep(self._every_s)

    async def save(self) -> None:
        """Writes the file if the state has changed since; after a failed write the next call tries again.

        Cancelled here nothing is lost: closing the context writes what has changed.
        """
        async with self._one_at_a_time:
            changes = self._state.changes
            if changes == self._saved_changes:
                return
            pieces = []
            for piece in self._state.dump(clean=False):
                pieces.append(piece)
                await asyncio.sleep(0)
            if await self._off_loop(lambda: self.file.write(b"".join(pieces))):
                self._saved_changes = changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A start that failed has nothing to save: the file of an earlier process stays as it is.
        if error is None or self._state.changes != self._saved_changes:
            self.file.write(b"".join(self._state.dump(clean=error is None)))
