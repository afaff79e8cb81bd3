"""A small file that outlives the process."""

from pathlib import Path

import structlog

from telemetry_runtime import write_durably


class StateFile:
    """A file that is replaced as a whole: the next start reads the old content or the new one.

    A disk that cannot be written to never stops the pipeline: `failed_writes` counts, and each
    time it begins to fail that is logged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fails = False
        self.failed_writes = 0
        self._log = structlog.get_logger("state").bind(path=str(path))

    @property
    def name(self) -> str:
        """Its name in metrics."""
        return self.path.stem

    def read(self) -> bytes | None:
        """The content; None where there is no file."""
        return self.path.read_bytes() if self.path.exists() else None

    def write(self, content: bytes) -> bool:
        """Replaces the content and waits for the disk; whether that worked."""
        try:
            write_durably(self.path, content)
        except OSError as error:
            if not self._fails:
                self._log.error("state_unwritable", error=str(error))
            self._fails = True
            self.failed_writes += 1
            return False
        self._fails = False
        return True

    def set_aside(self, error: Exception) -> None:
        """Moves a file that is not valid out of the way, for a person to look at."""
        aside = self.path.with_suffix(".unreadable")
        self.path.replace(aside)
        self._log.warning("state_unreadable", moved_to=str(aside), error=str(error))
