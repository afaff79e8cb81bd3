"""The runs across restarts: the next expected sequence number of each. Saved every second and at a clean stop.

After a clean stop it is exact, and a gap across the restart is a loss. After a crash it is up to a second old: trades
that are missing then were lost, or accepted in that second, and are counted as unaccounted.
"""

from pathlib import Path
from typing import Final

from pydantic import BaseModel

from ingest.checking.sequences import SequenceTracker
from ingest.storage.saved_state import SavedState
from ingest.storage.state_file import StateFile

SAVE_EVERY_S: Final = 1.0


def run_memory(directory: Path, sequences: SequenceTracker) -> SavedState:
    """The runs and their file `runs.json`."""
    return SavedState(StateFile(directory / "runs.json"), _RunsContent(sequences), every_s=SAVE_EVERY_S)


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


class _RunsContent:
    """The runs as a `Restorable`."""

    def __init__(self, sequences: SequenceTracker) -> None:
        self._sequences = sequences

    @property
    def changes(self) -> int:
        return self._sequences.moves

    def dump(self, *, clean: bool) -> bytes:
        runs = [RunRecord.model_validate(run) for run in self._sequences.dump()]
        return RunsRecord(clean=clean, runs=runs).model_dump_json().encode()

    def restore(self, content: bytes) -> None:
        record = RunsRecord.model_validate_json(content)
        runs = [(run.source, run.run, run.next_seq, run.last_ns, run.unsure) for run in record.runs]
        self._sequences.load(runs, exact=record.clean)

    def restore_unknown(self) -> None:
        """The runs are joined where they are seen first, as at the very first start."""
