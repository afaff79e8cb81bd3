"""Label slots: a small number for each symbol and source, so that aggregates can be columns. There is a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools
from telemetry_schema.batch import BatchHeader

Slots16: TypeAlias = npt.NDArray[np.uint16]
"""Slots, in as little memory as they need."""

OTHER: Final = "other"
"""The label of all names beyond the budget. It has slot 0."""


class LabelSlots:
    """Slots 1 … max_names for the names that come first; slot 0 (`other`) for the rest, whose names are not kept."""

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names
        self._slots = {OTHER: 0}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each slot."""
        return tuple(self._slots)

    def find(self, names: Sequence[str]) -> Slots16:
        """The slot of each name; new names get one while there are any left."""
        return np.fromiter(map(self._slot, names), np.uint16, len(names))

    def _slot(self, name: str) -> int:
        slot = self._slots.get(name)
        if slot is None:
            if len(self._slots) > self._max_names:
                return 0
            slot = self._slots[name] = len(self._slots)
        return slot


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What the indexes of a batch mean: the slot of each symbol and source, and whether the source is replayed."""

    symbols: Slots16
    sources: Slots16
    replayed: Bools


class Tables:
    """Finds the table of each batch. Batches tend to repeat theirs, and comparing is cheaper than looking up."""

    def __init__(self, symbols: LabelSlots, sources: LabelSlots) -> None:
        self._symbols, self._sources = symbols, sources
        self._last_names: tuple[list[str], list[str], list[int]] = ([], [], [])
        self._last = self._make([], [], [])

    def of(self, header: BatchHeader) -> Table:
        """The header's tables in slots; new names get one while there are any left."""
        names = header.symbols, header.sources, header.replayed
        if names != self._last_names:
            self._last_names, self._last = names, self._make(*names)
        return self._last

    def _make(self, symbols: Sequence[str], sources: Sequence[str], replayed: Sequence[int]) -> Table:
        is_replayed = np.zeros(len(sources), np.bool_)
        is_replayed[list(replayed)] = True
        return Table(self._symbols.find(symbols), self._sources.find(sources), is_replayed)
