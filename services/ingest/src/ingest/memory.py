"""What a clean stop hands on to the next start: the next number of each run. Written at the end, read once, then gone.

After a crash there is nothing to read, and runs are joined at the number that comes next: an old state would count as
lost what the crashed process had accepted.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from ingest.sequences import SequenceTracker


class RunMemory(BaseModel):
    """One run of a source."""

    source: str
    run: str | None
    next_seq: int
    last_ns: int


_runs: TypeAdapter[list[RunMemory]] = TypeAdapter(list[RunMemory])


class Memory:
    """The file `runs.json` in a directory: read when its context opens, written when it closes without an error."""

    def __init__(self, directory: Path, sequences: SequenceTracker) -> None:
        self._path = directory / "runs.json"
        self._sequences = sequences
        self._log = structlog.get_logger("memory")

    def __enter__(self) -> Self:
        if self._path.exists():
            self._sequences.load(self._read())
            self._path.unlink(missing_ok=True)
        return self

    def _read(self) -> list[tuple[str, str | None, int, int]]:
        try:
            runs = _runs.validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            self._log.warning("runs_unreadable", path=str(self._path), error=str(error))
            return []
        return [(run.source, run.run, run.next_seq, run.last_ns) for run in runs]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_bytes(_runs.dump_json(_runs.validate_python(self._sequences.dump())))
        part.replace(self._path)
