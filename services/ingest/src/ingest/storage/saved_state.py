"""State that is restored at the start of the process and saved when it has changed."""

from types import TracebackType
from typing import Protocol, Self

from ingest.storage.state_file import StateFile
from telemetry_runtime import Clock


class Restorable(Protocol):
    """State that can be written to a file and read back."""

    @property
    def changes(self) -> int:
        """Grows whenever there is something new to save."""
        ...

    def dump(self, *, clean: bool) -> bytes:
        """The content of the file; `clean` says that the process ends here as it should."""
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

    def __init__(self, file: StateFile, state: Restorable, *, every_s: float) -> None:
        self.file = file
        self._state, self._every_s = state, every_s
        self._saved_changes = 0

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
        self._write(clean=False)
        while True:
            await clock.sleep(self._every_s)
            self.save()

    def save(self) -> None:
        """Writes the file if the state has changed since; after a failed write the next call tries again."""
        if self._state.changes != self._saved_changes:
            self._write(clean=False)

    def _write(self, *, clean: bool) -> None:
        changes = self._state.changes
        if self.file.write(self._state.dump(clean=clean)):
            self._saved_changes = changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A start that failed has nothing to save: the file of an earlier process stays as it is.
        if error is None or self._state.changes != self._saved_changes:
            self._write(clean=error is None)
