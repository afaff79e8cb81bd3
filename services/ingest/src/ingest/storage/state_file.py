"""Small files that outlive the process."""

from pathlib import Path

import structlog


class StateFile:
    """A file that is written whole or not at all: the next start sees the old content or the new.

    A disk that cannot be written to never stops the pipeline: `failed_writes` counts, and the first one is told.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed_writes = 0
        self._log = structlog.get_logger("state").bind(path=str(path))

    @property
    def name(self) -> str:
        """What it is called in metrics."""
        return self.path.stem

    def read(self) -> bytes | None:
        """The content; None where there is no file."""
        return self.path.read_bytes() if self.path.exists() else None

    def write(self, content: bytes) -> bool:
        """Whether it is written."""
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(self.path)
        except OSError as error:
            if not self.failed_writes:
                self._log.error("state_unwritable", error=str(error))
            self.failed_writes += 1
            return False
        return True

    def set_aside(self, error: Exception) -> None:
        """Moves a file that cannot be understood out of the way, for a person to look at."""
        aside = self.path.with_suffix(".unreadable")
        self.path.replace(aside)
        self._log.warning("state_unreadable", moved_to=str(aside), error=str(error))
