"""Label slots: a small number for each symbol and source, so that aggregates can be columns. There is a limit."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools, Ints
from analytics.checkpoint.parts import State as CheckpointState
from telemetry_schema import Origin
from telemetry_schema.batch import TRADE_DTYPE, BatchHeader, Frame

Slots16: TypeAlias = npt.NDArray[np.uint16]
"""Slots, in as little memory as they need."""

OTHER: Final = "other"
"""The label of all names beyond the limit."""

ORIGINS: Final[tuple[Origin, ...]] = ("market", "own")


class SymbolKey(NamedTuple):
    """What aggregates are kept for: the market's trades of a symbol and, apart from them, our own."""

    symbol: str
    origin: Origin = "market"


_Key = TypeVar("_Key", str, SymbolKey)


class LabelSlots(Generic[_Key]):
    """Slots for keys while there are any left; the others share the slot of their overflow key.

    Slot 0 is that of the first overflow key. Overflow keys always get a slot and never lose it.

    Args:
        max_keys: keys of each overflow key that get a slot.
        overflow_keys: the keys that stand for those beyond the limit.
        overflow: the index of the overflow key of a key.
        max_slots: slots in all, if there are fewer than all keys need.
    """

    def __init__(
        self,
        max_keys: int,
        overflow_keys: tuple[_Key, ...],
        overflow: Callable[[_Key], int],
        *,
        max_slots: int | None = None,
    ) -> None:
        self._max_keys = max_keys
        self._overflow_keys: tuple[_Key, ...] = overflow_keys
        self._overflow: Callable[[_Key], int] = overflow
        needed = len(overflow_keys) * (max_keys + 1)
        self.max_slots = needed if max_slots is None else min(max_slots, needed)
        self._slots: dict[_Key, int] = {overflow_keys[0]: 0}
        self._keys: list[_Key] = [overflow_keys[0]]
        self._free: list[int] = []
        self._taken: Counter[int] = Counter()
        self._used_ns = np.zeros(self.max_slots, np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def names(self) -> tuple[_Key, ...]:
        """The key of each slot; a free slot still has the key it had last."""
        return tuple(self._keys)

    @property
    def overflow_slots(self) -> list[int]:
        """The slots of overflow keys."""
        return [self._slots[key] for key in self._overflow_keys if key in self._slots]

    def find(self, keys: Iterable[_Key]) -> Slots16:
        """The slot of each key; new ones get one while there are any left."""
        return np.fromiter(map(self.slot, keys), np.uint16)

    def slot(self, key: _Key) -> int:
        """The slot of a key; a new one gets one while there are any left."""
        slot = self._slots.get(key)
        if slot is not None:
            return slot
        if self.lacks_room_for(key):
            return self.slot(self._overflow_keys[self._overflow(key)])
        if key not in self._overflow_keys:
            self._taken[self._overflow(key)] += 1
        return self._take(key)

    def known(self, key: _Key) -> int | None:
        """The slot of a key, if it has one; none is taken."""
        return self._slots.get(key)

    def lacks_room_for(self, key: _Key) -> bool:
        """Whether the key has no slot and cannot get one."""
        if key in self._slots or key in self._overflow_keys:
            return False
        # One slot stays free for each overflow key that has none yet.
        reserved = len(self._overflow_keys) - len(self.overflow_slots)
        full = len(self._slots) + reserved >= self.max_slots
        return full or self._taken[self._overflow(key)] >= self._max_keys

    def _take(self, key: _Key) -> int:
        if self._free:
            slot = self._free.pop()
            self._keys[slot] = key
        else:
            slot = len(self._keys)
            self._keys.append(key)
        self._slots[key] = slot
        return slot

    def state(self) -> CheckpointState:
        """The key of each slot, and which slots are free."""
        return {"keys": self._keys.copy(), "free": self._free.copy()}

    def restore(self, state: CheckpointState) -> None:
        """Takes over the slots.

        Raises:
            ValueError: there are more than fit.
        """
        key_type = type(self._overflow_keys[0])
        # JSON has made a list of a tuple.
        self._keys = [key_type(key) if isinstance(key, str) else key_type(*key) for key in state["keys"]]
        if len(self._keys) > self.max_slots:
            raise ValueError(f"{len(self._keys)} names do not fit into {self.max_slots} slots")
        self._free = list(state["free"])
        self._slots = {key: slot for slot, key in enumerate(self._keys) if slot not in self._free}
        named = [key for key in self._slots if key not in self._overflow_keys]
        self._taken = Counter(map(self._overflow, named))

    def use(self, slots: Slots16 | Ints, monotonic_ns: int) -> None:
        """Notes that trades of these slots came."""
        self._used_ns[slots] = monotonic_ns

    def idle(self, before_ns: int) -> list[int]:
        """The slots that had no trade since then, but for those of overflow keys."""
        idle = np.flatnonzero(self._used_ns[: len(self._keys)] < before_ns).tolist()
        spared = {*self._free, *self.overflow_slots}
        return [slot for slot in idle if slot not in spared]

    def free(self, slot: int) -> None:
        """Gives a slot back; whoever keeps a column of it has cleared it."""
        key = self._keys[slot]
        del self._slots[key]
        self._taken[self._overflow(key)] -= 1
        self._free.append(slot)


def name_slots(max_names: int) -> LabelSlots[str]:
    """For plain names."""
    return LabelSlots(max_names, (OTHER,), lambda _: 0)


def symbol_slots(max_symbols: int, *, max_slots: int | None = None) -> LabelSlots[SymbolKey]:
    """For the symbols of each origin."""
    overflow_keys = tuple(SymbolKey(OTHER, origin) for origin in ORIGINS)
    return LabelSlots(max_symbols, overflow_keys, lambda key: ORIGINS.index(key.origin), max_slots=max_slots)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What the indexes of a batch mean.

    With trades of our own in the batch, the slots of own symbols are behind those of the market: of the symbol with
    index i at `width` + i.
    """

    symbols: Slots16
    sources: Slots16
    replayed: Bools
    """Of each source."""
    accounts: Ints
    """Of no account 0, of each account its slot plus 1."""
    width: int
    """Symbols in the header."""
    overflows: bool
    """Some name may have no slot of its own."""

    @property
    def has_own(self) -> bool:
        """Whether there are trades of our own in the batch."""
        return len(self.accounts) > 1


class Tables:
    """Finds the table of each batch. Batches tend to repeat theirs, and comparing is cheaper than looking up."""

    def __init__(self, symbols: LabelSlots[SymbolKey], sources: LabelSlots[str], accounts: LabelSlots[str]) -> None:
        self._symbols, self._sources, self._accounts = symbols, sources, accounts
        self._last_names: tuple[list[str], list[str], list[int]] = ([], [], [])
        self._last: Table | None = None

    def forget(self) -> None:
        """Looks the next table up in any case: slots were freed."""
        self._last = None

    def known(self, header: BatchHeader) -> Table | None:
        """The table of the batch before, if it is this one's as well."""
        names = header.symbols, header.sources, header.replayed
        return self._last if not header.accounts and names == self._last_names else None

    def lack_room_for(self, header: BatchHeader, frame: Frame) -> bool:
        """Whether some name of the batch has no slot and cannot get one."""
        return (
            any(map(self._symbols.lacks_room_for, self.keys(header, frame)))
            or any(map(self._sources.lacks_room_for, header.sources))
            or any(map(self._accounts.lacks_room_for, header.accounts))
        )

    def keys(self, header: BatchHeader, frame: Frame) -> list[SymbolKey]:
        """The keys that trades of the batch belong to."""
        if not header.accounts:
            return [SymbolKey(symbol) for symbol in header.symbols]
        width = len(header.symbols)
        return [SymbolKey(header.symbols[code % width], ORIGINS[code // width]) for code in _codes(frame, width)]

    def of(self, header: BatchHeader, frame: Frame) -> Table:
        """The header's tables in slots; new names get one while there are any left."""
        if header.accounts:
            return self._make(header, self._with_own(header, frame))
        self._last_names = header.symbols, header.sources, header.replayed
        self._last = self._make(header, self._symbols.find(self.keys(header, frame)))
        return self._last

    def _with_own(self, header: BatchHeader, frame: Frame) -> Slots16:
        # Only what trades: a symbol that we alone trade has no series of the market.
        slots = np.zeros(len(ORIGINS) * len(header.symbols), np.uint16)
        slots[_codes(frame, len(header.symbols))] = self._symbols.find(self.keys(header, frame))
        return slots

    def _make(self, header: BatchHeader, symbols: Slots16) -> Table:
        replayed = np.zeros(len(header.sources), np.bool_)
        replayed[list(header.replayed)] = True
        accounts = np.concatenate(([0], self._accounts.find(header.accounts).astype(np.int64) + 1))
        sources = self._sources.find(header.sources)
        overflows = bool({*self._symbols.overflow_slots} & {*symbols.tolist()} or 0 in sources.tolist())
        return Table(symbols, sources, replayed, accounts, len(header.symbols), overflows)

    def use(self, table: Table, monotonic_ns: int) -> None:
        """Notes that trades of a table came."""
        self._symbols.use(table.symbols, monotonic_ns)
        self._sources.use(table.sources, monotonic_ns)
        if table.has_own:
            self._accounts.use(table.accounts[1:] - 1, monotonic_ns)


def _codes(frame: Frame, width: int) -> list[int]:
    """The symbols of a batch's trades, ascending: the market's by index, our own by index plus width."""
    records = np.frombuffer(frame, TRADE_DTYPE)
    return np.flatnonzero(np.bincount(records["symbol"] + (records["account"] > 0) * width)).tolist()
