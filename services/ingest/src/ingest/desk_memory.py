"""What the paper desk keeps across restarts: positions, kill switch, and its newest answers.

Written a moment after each change, so a crash costs at most the fills of `SAVE_EVERY_S`; a clean stop costs none.
"""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from pydantic import BaseModel, ValidationError

from ingest.desk import Desk
from ingest.files import replace_file
from telemetry_runtime.clock import Clock
from telemetry_schema.messages import CommandResult

SAVE_EVERY_S: Final = 0.25
KEPT_ANSWERS: Final = 200
"""Enough for what may be sent again across a restart."""


class DeskRecord(BaseModel):
    """The file. A holding is quantity, average price and realised profit."""

    kill_switch: bool
    holdings: dict[str, tuple[float, float, float]]
    answers: list[CommandResult]


class DeskMemory:
    """The file `desk.json` in a directory: read when its context opens, written whenever the desk has changed."""

    def __init__(self, directory: Path, desk: Desk) -> None:
        self._path = directory / "desk.json"
        self._desk = desk
        self._saved_changes = 0
        self._log = structlog.get_logger("desk")

    def __enter__(self) -> Self:
        if self._path.exists():
            self._restore()
        return self

    def _restore(self) -> None:
        try:
            record = DeskRecord.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._path.replace(aside)
            self._log.warning("desk_unreadable", moved_to=str(aside), error=str(error))
            return
        self._desk.restore(holdings=record.holdings, kill_switch=record.kill_switch, answers=record.answers)

    async def keep(self, clock: Clock) -> None:
        """Writes what has changed, several times a second."""
        while True:
            self.save()
            await clock.sleep(SAVE_EVERY_S)

    def save(self) -> None:
        """Writes the file if the desk has changed since it was written."""
        if self._desk.changes == self._saved_changes:
            return
        record = DeskRecord(
            kill_switch=self._desk.kill_switch,
            holdings=self._desk.book.holdings(),
            answers=self._desk.answers(KEPT_ANSWERS),
        )
        replace_file(self._path, record.model_dump_json().encode())
        self._saved_changes = self._desk.changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()
