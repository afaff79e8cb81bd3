"""The runs across restarts: the sequence numbers of each. Saved every second and at a clean stop.

After a clean stop it is exact, and a gap across the restart is a loss. After a crash it is up to a second old: trades
that are missing then were lost, or accepted in that second, and are counted as unaccounted.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field, TypeAdapter, model_validator

from ingest.checking.sequences import RunKey, SavedRun, SequenceTracker
from ingest.storage.saved_state import OffLoop, SavedState, in_thread
from ingest.storage.state_file import StateFile
from telemetry_schema import LAST_NS

SAVE_EVERY_S: Final = 1.0

_RUNS_AT_ONCE: Final = 64
"""Runs that are encoded before the event loop gets its turn: about 0.3 ms."""

_to_json: Final = TypeAdapter(dict[str, Any]).dump_json
"""Faster than a model: what is written was checked when it was read or received."""

_Number = Annotated[int, Field(ge=0, le=LAST_NS)]


def run_memory(directory: Path, sequences: SequenceTracker, *, off_loop: OffLoop = in_thread) -> SavedState:
    """The runs and their file `runs.json`."""
    file = StateFile(directory / "runs.json")
    return SavedState(file, _RunsContent(sequences), every_s=SAVE_EVERY_S, off_loop=off_loop)


class RunRecord(BaseModel):
    """One run of a source. A gap is its first number and the number behind its last one."""

    source: str
    run: str | None
    first: _Number = 0
    next_seq: _Number
    newest_event_ns: _Number = 0
    newest_sent_ns: _Number = 0
    last_ns: int
    unsure: bool = False
    gaps: tuple[tuple[_Number, _Number], ...] = ()

    @model_validator(mode="after")
    def _gaps_are_in_order(self) -> Self:
        bounds = [bound for gap in self.gaps for bound in gap]
        if bounds != sorted(bounds) or (bounds and bounds[-1] > self.next_seq):
            msg = "gaps are not in order"
            raise ValueError(msg)
        return self


class RunsRecord(BaseModel):
    """The file."""

    clean: bool
    runs: list[RunRecord]


class _RunsContent:
    """The runs as a `Restorable`. Keeps each run encoded, so that only those which have moved are encoded anew."""

    def __init__(self, sequences: SequenceTracker) -> None:
        self._sequences = sequences
        self._encoded: dict[RunKey, bytes] = {}

    @property
    def changes(self) -> int:
        return self._sequences.moves

    def dump(self, *, clean: bool) -> Iterator[bytes]:
        changed = iter(self._sequences.take_changed())
        while some := list(islice(changed, _RUNS_AT_ONCE)):
            for key in some:
                self._encode(key)
            yield b""
        yield b'{"clean":%b,"runs":[' % (b"true" if clean else b"false")
        yield b",\n".join(self._encoded.values())
        yield b"]}"

    def _encode(self, key: RunKey) -> None:
        run = self._sequences.saved(key)
        if run is None:
            self._encoded.pop(key, None)
        else:
            self._encoded[key] = _to_json(run._asdict())

    def restore(self, content: bytes) -> None:
        record = RunsRecord.model_validate_json(content)
        runs = [SavedRun(**dict(run)) for run in record.runs]
        self._sequences.load(runs, exact=record.clean)

    def restore_unknown(self) -> None:
        """The runs are joined where they are seen first, as at the very first start."""
