"""What the paper desk keeps across restarts: positions, kill switch, and the answers that may be asked for again.

Written before an order is answered, so that a crash costs no fill and no command is filled twice. A file that cannot be
understood engages the kill switch: nobody knows what was held.
"""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ValidationError

from ingest.desk.desk import Desk
from ingest.storage.state_file import StateFile
from telemetry_runtime import Clock
from telemetry_schema import CommandResult

SAVE_EVERY_S: Final = 0.25
"""How soon it is tried again after a disk would not take it."""


class DeskRecord(BaseModel):
    """The file. A holding is quantity, average price and realised profit."""

    kill_switch: bool
    holdings: dict[str, tuple[float, float, float]]
    answers: list[CommandResult]


class DeskMemory:
    """The file `desk.json` in a directory: read when its context opens, written whenever the desk has changed."""

    def __init__(self, directory: Path, desk: Desk) -> None:
        self.file = StateFile(directory / "desk.json")
        self._desk = desk
        self._saved_changes = 0

    def __enter__(self) -> Self:
        content = self.file.read()
        if content is not None:
            self._restore(content)
        self._saved_changes = self._desk.changes
        self._desk.on_change = self.save
        return self

    def _restore(self, content: bytes) -> None:
        try:
            record = DeskRecord.model_validate_json(content)
        except ValidationError as error:
            self.file.set_aside(error)
            self._desk.restore(holdings={}, kill_switch=True, answers=[])
            return
        self._desk.restore(holdings=record.holdings, kill_switch=record.kill_switch, answers=record.answers)

    async def keep(self, clock: Clock) -> None:
        """Writes again what a disk would not take."""
        while True:
            await clock.sleep(SAVE_EVERY_S)
            self.save()

    def save(self) -> None:
        """Writes the file if the desk has changed since it was written."""
        if self._desk.changes == self._saved_changes:
            return
        record = DeskRecord(
            kill_switch=self._desk.kill_switch, holdings=self._desk.book.holdings(), answers=self._desk.young_answers()
        )
        if self.file.write(record.model_dump_json().encode()):
            self._saved_changes = self._desk.changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()
