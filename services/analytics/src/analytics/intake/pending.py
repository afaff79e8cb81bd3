"""Buffer of admitted trades that wait to be folded, as the bytes they came in.

Both folding and taking bytes apart cost a fixed price for each NumPy call, so batches are gathered here and taken apart
and folded together: when there are enough of them, and before anything is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools, Floats, Ints
from analytics.intake.labels import Slots16, Table
from telemetry_schema.batch import BUY, TRADE_DTYPE, Frame, Records

ARRIVAL_BITS: Final = 12
"""Bits that number the trades of one fold, in a 64-bit sort key with cell and time (`aggregates/grouping.py`)."""

MAX_FOLD_TRADES: Final = 1 << ARRIVAL_BITS
"""Trades folded at once: large enough to make the fixed costs small, and folded in well under a millisecond."""

MAX_FOLD_BATCHES: Final = 1024
"""Batches folded at once: where each has one trade, taking them apart costs more than folding."""

_NUMBERS: Final = 5
"""The first words of a record: event, sent and received time, price, quantity."""
_TIMES: Final = 3

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Trades:
    """Some trades in the order of their arrival, columns of shape (n,). Times are in epoch nanoseconds."""

    event_ns: Ints
    sent_ns: Ints
    received_ns: Ints
    applied_ns: Ints
    pushed_ns: Ints
    """When ingest pushed the batch."""
    price: Floats
    qty: Floats
    symbol: Ints
    """Slot of the symbol."""
    source: Ints
    """Slot of the source."""
    is_buy: Bools
    replayed: Bools
    """The trade is replayed: its times are of the recording."""
    account: Ints
    """0 for a trade of the market; of our own, the slot of the account plus 1."""

    def select(self, which: Bools | Ints) -> "Trades":
        """Some of the trades."""
        return Trades(*(getattr(self, field.name)[which] for field in fields(self)))


class Pending:
    """Room for `MAX_FOLD_TRADES` trades. It is used again and again: memory that is new each time costs more."""

    def __init__(self) -> None:
        self._n = 0
        # Of each batch: how many trades, and what they share.
        self._counts: list[int] = []
        self._tables: list[Table] = []
        self._applied_ns: list[int] = []
        self._pushed_ns: list[int] = []
        self._records: Records = np.zeros(MAX_FOLD_TRADES, TRADE_DTYPE)
        self._bytes = memoryview(self._records.view(np.uint8).data)
        self._words = self._records.view(np.int64).reshape(MAX_FOLD_TRADES, -1)[:, :_NUMBERS].T
        self._numbers = np.zeros((_NUMBERS, MAX_FOLD_TRADES), np.int64)

    def __len__(self) -> int:
        return self._n

    @property
    def room(self) -> int:
        """Trades that still fit; 0 when it is time to fold."""
        return MAX_FOLD_TRADES - self._n if len(self._counts) < MAX_FOLD_BATCHES else 0

    def add(self, frame: Frame, table: Table, *, applied_ns: int, pushed_ns: int) -> None:
        """Copies trades that must fit, the bytes of their records."""
        begin = self._n * TRADE_DTYPE.itemsize
        self._bytes[begin : begin + len(frame)] = frame
        trades = len(frame) // TRADE_DTYPE.itemsize
        self._n += trades
        self._counts.append(trades)
        self._tables.append(table)
        self._applied_ns.append(applied_ns)
        self._pushed_ns.append(pushed_ns)

    def take(self) -> Trades:
        """All that is there, at least one trade; valid until the next `add`."""
        span, self._n = slice(0, self._n), 0
        records, numbers = self._records[span], self._numbers[:, span]
        numbers[:] = self._words[:, span]
        event_ns, sent_ns, received_ns = numbers[:_TIMES]
        price, qty = numbers[_TIMES:].view(np.float64)
        counts = _drain(self._counts)
        lookup = _Lookup(self._tables, counts)
        self._tables = []
        return Trades(
            event_ns=event_ns,
            sent_ns=sent_ns,
            received_ns=received_ns,
            applied_ns=np.repeat(_drain(self._applied_ns), counts),
            pushed_ns=np.repeat(_drain(self._pushed_ns), counts),
            price=price,
            qty=qty,
            symbol=lookup.symbols(records),
            source=lookup.sources(records["source"]),
            is_buy=records["side"] == BUY,
            replayed=lookup.replayed(records["source"]),
            account=lookup.accounts(records["account"]),
        )


_NO_ACCOUNTS: Final = np.zeros(MAX_FOLD_TRADES, np.int64)


def _drain(numbers: list[int]) -> Ints:
    """The numbers as an array; the list is empty then."""
    drained = np.fromiter(numbers, np.int64, len(numbers))
    numbers.clear()
    return drained


class _Lookup:
    """From indexes into the tables of several batches to slots: all tables are laid end to end."""

    def __init__(self, tables: Sequence[Table], counts: Ints) -> None:
        self._distinct = list(dict.fromkeys(tables))
        self._tables, self._counts = tables, counts
        self._has_own = any(table.has_own for table in self._distinct)

    def symbols(self, records: Records) -> Ints:
        index = records["symbol"]
        if self._has_own:
            index = index + (records["account"] > 0) * np.repeat([table.width for table in self._tables], self._counts)
        return self._find(index, [table.symbols for table in self._distinct]).astype(np.int64)

    def accounts(self, index: Slots16) -> Ints:
        if not self._has_own:
            return _NO_ACCOUNTS[: index.size]
        return self._find(index, [table.accounts for table in self._distinct])

    def sources(self, index: Slots16) -> Ints:
        return self._find(index, [table.sources for table in self._distinct]).astype(np.int64)

    def replayed(self, index: Slots16) -> Bools:
        return self._find(index, [table.replayed for table in self._distinct])

    def _find(self, index: Slots16 | Ints, columns: list[npt.NDArray[_Scalar]]) -> npt.NDArray[_Scalar]:
        found: npt.NDArray[_Scalar]
        if len(columns) == 1:
            found = columns[0].take(index)
            return found
        starts = dict(zip(self._distinct, accumulate(map(len, columns), initial=0), strict=False))
        offsets = [starts[table] for table in self._tables]
        found = np.concatenate(columns).take(index + np.repeat(offsets, self._counts))
        return found
