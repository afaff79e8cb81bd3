"""The paper desk across restarts: positions, kill switch, and the answers that may be asked for again.

Saved before a command is answered, so that a crash loses no fill and no command is filled twice. A file that is not
valid engages the kill switch, as the positions are unknown then.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from ingest.desk.desk import Desk
from ingest.storage.saved_state import OffLoop, SavedState, in_thread
from ingest.storage.state_file import StateFile
from telemetry_schema import CommandResult

RETRY_S: Final = 0.25
"""How soon a failed write is tried again."""


def desk_memory(directory: Path, desk: Desk, *, off_loop: OffLoop = in_thread) -> SavedState:
    """The desk and its file `desk.json`."""
    file = StateFile(directory / "desk.json")
    return SavedState(file, _DeskContent(desk), every_s=RETRY_S, off_loop=off_loop)


class DeskRecord(BaseModel):
    """The file. A holding is quantity, average price and realised profit."""

    kill_switch: bool
    holdings: dict[str, tuple[float, float, float]]
    answers: list[CommandResult]


class _DeskContent:
    """The desk as a `Restorable`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def changes(self) -> int:
        return self._desk.changes

    def dump(self, *, clean: bool) -> Iterator[bytes]:  # noqa: ARG002 - it is exact after a crash too
        desk = self._desk
        record = DeskRecord(kill_switch=desk.kill_switch, holdings=desk.book.holdings(), answers=desk.young_answers())
        yield record.model_dump_json().encode()

    def restore(self, content: bytes) -> None:
        record = DeskRecord.model_validate_json(content)
        self._desk.restore(holdings=record.holdings, kill_switch=record.kill_switch, answers=record.answers)

    def restore_unknown(self) -> None:
        self._desk.restore(holdings={}, kill_switch=True, answers=[])
