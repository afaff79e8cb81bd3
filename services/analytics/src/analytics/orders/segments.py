"""Orders in segments by when they were first heard of, so that a checkpoint writes only those that have changed.

    slot 0 [o-1 … o-100]   slot 1 [o-101 … o-200]   slot 2 [o-201 …]        each a `Part` of the state

A capture takes many steps, and events come in between. So at its beginning each segment owes its state of that moment;
who changes an order packs its segment first, if that has not been copied yet (copy on write).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

import msgspec
import numpy as np

from analytics.checkpoint.parts import Part, State

SEGMENT_ORDERS: Final = 100
"""Orders in a segment: packed in about 2 ms where none of them has ended."""

_Key = TypeVar("_Key")

_pack: Final = msgspec.msgpack.Encoder().encode


@dataclass(slots=True, eq=False)
class Segment(Generic[_Key]):
    """Some orders, by key, and how often they have changed."""

    slot: int
    number: int
    """Counts the segments that ever were: slots are used again."""
    keys: dict[_Key, None] = field(default_factory=dict)
    version: int = 0
    owes: bool = False
    """Its state of the moment at which the capture began has not been packed yet."""
    packed: bytes = b""
    """That state, from when an event was about to change it until it is copied."""
    part: Part | None = None
    """What stood for it in the last state: with a hundred thousand orders a thousand of these are not made anew."""


class Segments(Generic[_Key]):
    """All segments.

    Args:
        row: gives what is saved of an order.
    """

    def __init__(self, row: Callable[[_Key], Any]) -> None:
        self._row = row
        self._by_slot: dict[int, Segment[_Key]] = {}
        self._of: dict[_Key, Segment[_Key]] = {}
        self._newest: Segment[_Key] | None = None
        self._next_number = 0

    def add(self, key: _Key) -> None:
        """Puts a new order into the newest segment."""
        if self._newest is None or len(self._newest.keys) >= SEGMENT_ORDERS:
            self._newest = self._new()
        self._put(self._newest, key)

    def touch(self, key: _Key) -> None:
        """Says that an order is about to change."""
        segment = self._of.get(key)
        if segment is None:
            return
        if segment.owes:
            self._will_change(segment)
        else:
            segment.version += 1

    def remove(self, key: _Key) -> None:
        """Takes an order out that is known no more; before it is forgotten."""
        segment = self._of.pop(key, None)
        if segment is None:
            return
        self._will_change(segment)
        del segment.keys[key]
        if not segment.keys and segment is not self._newest:
            # Its slot is used again, so that places in the state do not become more and more.
            del self._by_slot[segment.slot]

    def _new(self) -> Segment[_Key]:
        slot = next(number for number in range(len(self._by_slot) + 1) if number not in self._by_slot)
        segment = self._by_slot[slot] = Segment[_Key](slot, self._next_number)
        self._next_number += 1
        return segment

    def _put(self, segment: Segment[_Key], key: _Key) -> None:
        self._will_change(segment)
        segment.keys[key] = None
        self._of[key] = segment

    def _will_change(self, segment: Segment[_Key]) -> None:
        if segment.owes:
            segment.packed, segment.owes = self._pack(segment), False
        segment.version += 1

    def _pack(self, segment: Segment[_Key]) -> bytes:
        return _pack([self._row(key) for key in segment.keys])

    def state(self) -> State:
        """A part for each segment: its state of now, whatever comes before it is copied."""
        return {str(slot): self._part(segment) for slot, segment in self._by_slot.items()}

    def _part(self, segment: Segment[_Key]) -> Part:
        segment.owes, segment.packed = True, b""
        part = segment.part
        if part is None or part.version != segment.version:
            part = segment.part = Part(segment.version, partial(self._copy, segment), segment)
        return part

    def _copy(self, segment: Segment[_Key]) -> State:
        packed, segment.packed = segment.packed or self._pack(segment), b""
        segment.owes = False
        return {"number": segment.number, "rows": np.frombuffer(packed, np.uint8)}

    def restore(self, state: State) -> Iterator[tuple[Callable[[_Key], None], list[Any]]]:
        """Gives the rows of each segment, the oldest first, and what puts a key back into it."""
        saved = [(int(slot), part.copy()) for slot, part in state.items()]
        for slot, one in sorted(saved, key=lambda each: each[1]["number"]):
            rows = msgspec.msgpack.decode(one["rows"].tobytes())
            if not rows:
                continue  # the newest one was empty; it would never be given up, as nothing is put into it again
            segment = self._by_slot[slot] = Segment[_Key](slot, one["number"])
            yield partial(self._put, segment), rows
            segment.version = 0
            self._next_number = segment.number + 1
