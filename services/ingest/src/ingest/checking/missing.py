"""Missing numbers of a run: as gaps, and, where they are too scattered for that, one bit each. Pure."""

from enum import IntEnum
from typing import NamedTuple


class Missing(IntEnum):
    """Why the numbers of a gap are missing."""

    LOST = 0
    """They were passed over."""
    UNACCOUNTED = 1
    """They were passed over after a crash of ingest: lost, or accepted just before it."""
    EARLY = 2
    """They are from before the first number that was seen, or from before a restart of ingest."""


class Gap(NamedTuple):
    """Missing numbers: `start` to `end - 1`."""

    start: int
    end: int
    kind: Missing


class ScatteredNumbers:
    """Missing numbers, a bit each: as small for one in two as for none. Those below an offset are forgotten.

    base              numbers of a kind, the lowest bit first
    │ 1 0 1 0 1 0 0 0 1 1 1 1 │
    """

    __slots__ = ("_base", "_bits")

    def __init__(self) -> None:
        self._base = 0
        self._bits: dict[Missing, int] = {}

    def add(self, gap: Gap, oldest: int) -> None:
        """Adds the numbers of a gap; forgets all below `oldest`."""
        self._forget_below(oldest)
        if gap.end > self._base:
            self._bits[gap.kind] = self._bits.get(gap.kind, 0) | self._mask(gap.start, gap.end)

    def take(self, seq: int, end: int) -> list[Gap]:
        """Takes the numbers `seq` to `end - 1` out; those of them that were missing, in order."""
        if end <= self._base:
            return []
        mask = self._mask(seq, end)
        taken: list[Gap] = []
        for kind, bits in self._bits.items():
            taken += _gaps(bits & mask, self._base, kind)
            self._bits[kind] = bits & ~mask
        return sorted(taken)

    def is_any_from(self, seq: int) -> bool:
        """Whether a number is missing there or above."""
        return any(bits >> max(seq - self._base, 0) for bits in self._bits.values())

    def _forget_below(self, oldest: int) -> None:
        if oldest > self._base:
            self._bits = {kind: bits >> (oldest - self._base) for kind, bits in self._bits.items()}
            self._base = oldest

    def _mask(self, start: int, end: int) -> int:
        """Ones for these numbers, as far as they are not forgotten."""
        first = max(start - self._base, 0)
        return ((1 << (end - self._base - first)) - 1) << first


def _gaps(bits: int, base: int, kind: Missing) -> list[Gap]:
    """Each row of ones."""
    gaps: list[Gap] = []
    while bits:
        zeros = (bits & -bits).bit_length() - 1
        bits >>= zeros
        ones = (~bits & (bits + 1)).bit_length() - 1
        bits >>= ones
        start = base + zeros
        base = start + ones
        gaps.append(Gap(start, base, kind))
    return gaps
