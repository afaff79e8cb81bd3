"""Puts the trades that studies are to look at into the memory that the worker has mapped."""

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from analytics.intake.labels import SymbolKey
from analytics.studies.protocol import FRAMES_AT, FrameRef, StudySpec, columns_at, frame_bytes
from analytics.studies.ring import TradeRing
from analytics.studies.schedule import Subject

NewNames: TypeAlias = tuple[list[str] | None, list[str] | None]
"""Sources and accounts by code; None where they are as before."""

FRAMES_A_TURN: Final = 16
"""Frames that go over at once. Few, and each run costs analytics more; many, and the newest value is older."""

_FRAMES_WITH_ROOM: Final = 2 * FRAMES_A_TURN
"""So that a study of `MAX_TOGETHER` symbols finds room behind all but one of the others."""


def shared_bytes(frame_rows: int) -> int:
    """Memory in which trades travel, of frames of at most `frame_rows`."""
    return FRAMES_AT + _FRAMES_WITH_ROOM * frame_bytes(frame_rows)


class Trading(Protocol):
    """What the supervisor needs of the engine."""

    @property
    def ring(self) -> TradeRing:
        """The trades for studies."""
        ...

    def fold(self) -> None:
        """Makes all trades that were applied visible."""
        ...

    def key_of(self, slot: int) -> SymbolKey:
        """Whose trades are in a slot of the ring."""
        ...

    def slot_of(self, key: SymbolKey) -> int | None:
        """The slot of a symbol, if it has one."""
        ...

    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Sources and accounts by slot."""
        ...


class FrameFeed:
    """The frames of one turn after the other, for one worker."""

    def __init__(self, trading: Trading, memory: memoryview) -> None:
        self._trading, self._memory = trading, memory
        self._names_sent: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._frames, self._end = 0, FRAMES_AT

    def begin(self) -> None:
        """Begins a turn: what went over before may be overwritten."""
        self._frames, self._end = 0, FRAMES_AT

    @property
    def has_room(self) -> bool:
        """Whether the frames of one more subject may go over in this turn."""
        return self._frames < FRAMES_A_TURN

    def copy(self, subject: Subject, specs: Sequence[StudySpec]) -> list[FrameRef]:
        """Copies the subject's trades of the longest window, one frame a symbol; symbols without trades have none."""
        window_ns = max(each.window_ns for each in specs)
        symbols = subject.together or [subject.symbol]
        found = [self._copy_one(SymbolKey(symbol, subject.origin), window_ns) for symbol in symbols]
        return [ref for ref in found if ref is not None]

    def _copy_one(self, key: SymbolKey, window_ns: int) -> FrameRef | None:
        ring, slot = self._trading.ring, self._trading.slot_of(key)
        if slot is None:
            return None
        rows, end_ns = ring.rows(slot, window_ns)
        begin, end = self._end, self._end + frame_bytes(rows.size)
        if not rows.size or end > len(self._memory):
            return None
        ring.copy_into(columns_at(self._memory, begin, rows.size), rows)
        self._frames, self._end = self._frames + 1, end
        bought, sold = ring.volumes(slot)
        first = ring.total(slot) - rows.size
        return FrameRef(*key, begin, rows.size, end_ns, first, bought, sold, ring.life(slot))

    def new_names(self) -> NewNames:
        """The names, where they have changed since the last call."""
        sources, accounts = self._trading.names()
        if (sources, accounts) == self._names_sent:
            return None, None
        self._names_sent = (sources, accounts)
        return list(sources), ["", *accounts]  # a trade of the market has account 0
