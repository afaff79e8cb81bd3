"""The protocol of the log: what delivery and storage know of it, whatever keeps it.

Offsets count the trades of a log from 0 without gaps: a batch has the offset of its first trade. A log has a name, its
*stream*, for as long as it lives. Each process that opens it begins a new *epoch*: should a power cut take the end of
the log, its offsets are used again, and the epoch distinguishes the two uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from telemetry_schema.batch import Frame

State: TypeAlias = Mapping[str, bytes | None]
"""Changes of the state that is kept beside the batches: values by key, None where the key is gone."""


class LogFullError(Exception):
    """The log has as many bytes as it may have: the caller waits until it has been trimmed."""


class LogBatch(NamedTuple):
    """A batch in the log: the header and the records as they go to analytics."""

    first_seq: int
    trades: int
    header: bytes
    records: Frame

    @property
    def end_seq(self) -> int:
        """The offset of the trade after it."""
        return self.first_seq + self.trades


@dataclass(slots=True)
class Transaction:
    """What is appended together or not at all: batches that follow each other, and what else they change."""

    batches: list[LogBatch] = field(default_factory=list)
    state: dict[str, bytes | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.batches or self.state)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One process' part of a log: its number, higher than all before it, and the offset it begins at."""

    number: int
    first_seq: int


def apply_state(state: dict[str, bytes], changes: State) -> None:
    """Changes a state."""
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


class BatchLog(Protocol):
    """A log of batches, with the state that belongs to them. All methods but `sync` are quick."""

    @property
    def stream(self) -> str:
        """The name of the log."""
        ...

    @property
    def epoch(self) -> Epoch:
        """The epoch that began when this process opened the log."""
        ...

    @property
    def ended(self) -> Sequence[Epoch]:
        """Earlier epochs that a reader may not have heard of, oldest first."""
        ...

    @property
    def first_seq(self) -> int:
        """The offset of the oldest batch, or `next_seq` where there is none."""
        ...

    @property
    def next_seq(self) -> int:
        """The offset that the next batch gets."""
        ...

    @property
    def was_cut(self) -> bool:
        """Whether its end was found damaged when it was opened: batches that had been appended may be missing."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether a later process finds what it holds."""
        ...

    @property
    def is_sync_due(self) -> bool:
        """Whether to sync its head soon, whatever a power cut may cost: until then it holds what could be dropped."""
        ...

    @property
    def held_bytes(self) -> int:
        """What it takes up."""
        ...

    def state(self) -> dict[str, bytes]:
        """The state as of the last transaction when the log was opened."""
        ...

    def append(self, transaction: Transaction) -> None:
        """Appends all of it, so that a later process finds it even if this one is killed at once.

        Raises:
            LogFullError: there is no room; nothing happened.
            OSError: the disk would not take it; nothing happened.
        """
        ...

    def read(self, seq: int, *, max_bytes: int) -> Sequence[LogBatch]:
        """Batches that follow each other, the first one with the trade at `seq` or, if that is gone, the next there is.

        At least one if there is any, then as many as fit into `max_bytes`.
        """
        ...

    def trim(self, seq: int) -> None:
        """Drops batches before that offset; the log may keep some of them.

        Raises:
            OSError: the disk does not let go of all; what it holds still is held.
        """
        ...

    def roll(self) -> None:
        """Makes all that it holds something that `trim` can drop; nothing changes if it cannot.

        Raises:
            OSError: the disk would not take it; nothing happened.
        """
        ...

    def sync_head(self) -> None:
        """Waits until what it needs to drop older batches is on disk: as `sync`, but quicker. Raises as `sync`."""
        ...

    def sync(self) -> int:
        """Waits until what was appended is on disk: not for the event loop, but in a thread beside it.

        Returns:
            The offset up to which a power cut loses nothing.

        Raises:
            OSError: the disk failed.
        """
        ...

    def close(self) -> None:
        """Closes it; nothing is lost."""
        ...
