"""Slots: small numbers for names, so that what is kept for each of them can be a column. There is a budget."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.trades import Slots16

OTHER: Final = "other"
"""The label of all names beyond the budget. It has slot 0."""


class Slots:
    """Slots 1 … max_names for the names that come first; slot 0 for all others, whose names are not kept."""

    def __init__(self, max_names: int) -> None:
        self._max_names = max_names
        self._slots = {OTHER: 0}
        self._table: list[str] = []
        self._table_slots = np.zeros(0, np.uint16)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each slot."""
        return tuple(self._slots)

    def find(self, names: Sequence[str]) -> Slots16:
        """The slot of each name; new names get one while there are any left."""
        if names != self._table:  # Batches tend to repeat their table, and comparing is cheaper than looking up.
            self._table_slots = np.fromiter(map(self._slot, names), np.uint16, len(names))
            self._table = list(names)
        return self._table_slots

    def _slot(self, name: str) -> int:
        slot = self._slots.get(name)
        if slot is None:
            if len(self._slots) > self._max_names:
                return 0
            slot = self._slots[name] = len(self._slots)
        return slot
