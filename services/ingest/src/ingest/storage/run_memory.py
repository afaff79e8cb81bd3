"""What the next start is told of each run: the number that comes next. Written every second and at a clean stop.

After a clean stop it is exact, and a gap across the restart is a loss. After a crash it is up to a second old: what is
missing then was lost, or accepted in that second, and is counted as unaccounted.
"""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ValidationError

from ingest.checking.sequences import SequenceTracker
from ingest.storage.state_file import StateFile
from telemetry_runtime import Clock

SAVE_EVERY_S: Final = 1.0


class RunRecord(BaseModel):
    """One run of a source."""

    source: str
    run: str | None
    next_seq: int
    last_ns: int
    unsure: bool = False


class RunsRecord(BaseModel):
    """The file."""

    clean: bool
    runs: list[RunRecord]


class RunMemory:
    """The file `runs.json` in a directory: read when its context opens, written whenever a run has moved."""

    def __init__(self, directory: Path, sequences: SequenceTracker) -> None:
        self.file = StateFile(directory / "runs.json")
        self._sequences = sequences
        self._saved_moves = 0

    def __enter__(self) -> Self:
        if content := self.file.read():
            self._restore(content)
        return self

    def _restore(self, content: bytes) -> None:
        try:
            record = RunsRecord.model_validate_json(content)
        except ValidationError as error:
            self.file.set_aside(error)
            return
        runs = [(run.source, run.run, run.next_seq, run.last_ns, run.unsure) for run in record.runs]
        self._sequences.load(runs, exact=record.clean)

    async def keep(self, clock: Clock) -> None:
        """Writes what has moved, every second."""
        # From here on trades come in: if this process crashes before it writes again, what was exact no longer is.
        self._write(clean=False)
        while True:
            await clock.sleep(SAVE_EVERY_S)
            if self._sequences.moves != self._saved_moves:
                self._write(clean=False)

    def _write(self, *, clean: bool) -> None:
        runs = [RunRecord.model_validate(run) for run in self._sequences.dump()]
        if self.file.write(RunsRecord(clean=clean, runs=runs).model_dump_json().encode()):
            self._saved_moves = self._sequences.moves

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A start that failed has learnt nothing: what an earlier process wrote stays as it is.
        if error is None or self._sequences.moves:
            self._write(clean=error is None)
