"""Takes over `runs.json` and `desk.json`, where ingest kept its state before it had a log."""

from pathlib import Path
from typing import Annotated, TypeVar

import structlog
from pydantic import BaseModel, Field, ValidationError

from ingest.checking.sequences import SavedRun, SequenceTracker
from ingest.desk.desk import Desk
from telemetry_schema import LAST_NS, CommandResult

_Number = Annotated[int, Field(ge=0, le=LAST_NS)]
_Record = TypeVar("_Record", bound=BaseModel)


class RunRecord(BaseModel):
    """One run of a source."""

    source: str
    run: str | None
    next_seq: _Number
    last_ns: int
    unsure: bool = False

    def saved(self) -> SavedRun:
        """The run as it is known now."""
        return SavedRun(self.source, self.run, 0, self.next_seq, 0, 0, self.last_ns, self.unsure, ())


class RunsRecord(BaseModel):
    """The file of the runs; clean if the process ended as it should."""

    clean: bool
    runs: list[RunRecord]


class DeskRecord(BaseModel):
    """The desk. A holding is quantity, average price and realised profit."""

    kill_switch: bool
    holdings: dict[str, tuple[float, float, float]]
    answers: list[CommandResult]


class EarlierFiles:
    """The files of earlier versions in the data directory."""

    def __init__(self, directory: Path) -> None:
        self._runs, self._desk = directory / "runs.json", directory / "desk.json"
        self._log = structlog.get_logger("earlier_files")

    def take_over(self, sequences: SequenceTracker, desk: Desk) -> None:
        """Takes over what they hold. Of one that is not valid: no runs, and a desk whose kill switch is engaged."""
        if self._runs.exists() and (runs := self._read(self._runs, RunsRecord)):
            sequences.load([run.saved() for run in runs.runs], exact=runs.clean)
        if self._desk.exists():
            record = self._read(self._desk, DeskRecord) or DeskRecord(kill_switch=True, holdings={}, answers=[])
            desk.restore(holdings=record.holdings, kill_switch=record.kill_switch, answers=record.answers)

    def _read(self, path: Path, record_type: type[_Record]) -> _Record | None:
        try:
            record = record_type.model_validate_json(path.read_bytes())
        except ValidationError as error:
            self._log.error("file_unreadable", path=str(path), error=str(error))
            return None
        self._log.info("file_taken_over", path=str(path))
        return record

    def move_away(self) -> None:
        """Moves them out of the way, so that they are not taken over again later."""
        for path in (self._runs, self._desk):
            if path.exists():
                path.replace(path.with_suffix(".json.old"))
