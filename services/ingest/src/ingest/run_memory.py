"""What the next start is told of each run: the number that comes next. Written every second and at a clean stop.

After a clean stop it is exact, and a gap across the restart is a loss. After a crash it is up to a second old: what is
missing then was lost, or accepted in that second, and is counted as unaccounted.
"""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from pydantic import BaseModel, ValidationError

from ingest.files import replace_file
from ingest.sequences import SequenceTracker
from telemetry_runtime.clock import Clock

SAVE_EVERY_S: Final = 1.0


class RunRecord(BaseModel):
    """One run of a source."""

    source: str
    run: str | None
    next_seq: int
    last_ns: int


class RunsRecord(BaseModel):
    """The file."""

    clean: bool
    runs: list[RunRecord]


class RunMemory:
    """The file `runs.json` in a directory: read when its context opens, written whenever a run has moved."""

    def __init__(self, directory: Path, sequences: SequenceTracker) -> None:
        self._path = directory / "runs.json"
        self._sequences = sequences
        self._saved_moves = 0
        self._log = structlog.get_logger("runs")

    def __enter__(self) -> Self:
        if self._path.exists():
            self._restore()
        return self

    def _restore(self) -> None:
        try:
            record = RunsRecord.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            self._log.warning("runs_unreadable", moved_to=str(aside), error=str(error))
            return
        runs = [(run.source, run.run, run.next_seq, run.last_ns) for run in record.runs]
        self._sequences.load(runs, exact=record.clean)
        # If this process crashes before it has written anything, what was exact no longer is.
        self._write(clean=False)

    async def keep(self, clock: Clock) -> None:
        """Writes what has moved, every second."""
        while True:
            await clock.sleep(SAVE_EVERY_S)
            if self._sequences.moves != self._saved_moves:
                self._write(clean=False)

    def _write(self, *, clean: bool) -> None:
        runs = [RunRecord.model_validate(run) for run in self._sequences.dump()]
        replace_file(self._path, RunsRecord(clean=clean, runs=runs).model_dump_json().encode())
        self._saved_moves = self._sequences.moves

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(clean=error is None)
