"""Trades that have been taken in and wait to be folded, in columns.

Folding costs a fixed price for each NumPy call, so trades are gathered here and folded together: when the buffer is
full, and before anything is read.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools, Floats, Ints
from telemetry_schema.batch import BUY, TRADE_DTYPE, Records
from telemetry_schema.errors import BatchError

ARRIVAL_BITS: Final = 12
"""Bits that number the trades of one fold: they share a 64-bit sort key with cell and time (see `buckets`)."""

MAX_FOLD_TRADES: Final = 1 << ARRIVAL_BITS
"""Trades folded at once: large enough to make the fixed costs small, and folded in well under a millisecond."""

_WORDS: Final = TRADE_DTYPE.itemsize // 8
_NUMBERS: Final = 5
"""The first words of a record: event, sent and received time, price, quantity."""
_TIMES: Final = 3

_INFINITY: Final = int(np.array(np.inf).view(np.int64))
"""The bits of positive floats, read as integers, lie between 0 and those of infinity, and in the same order."""

Slots16: TypeAlias = npt.NDArray[np.uint16]
"""Slots, in as little memory as they need."""


def numbers(records: Records) -> Ints:
    """The times, prices and quantities of some records in rows, shape (5, n); floats as their bits.

    Raises:
        BatchError: a time is below 0, or a price or quantity is not above 0 and finite. Ingest lets no such trade
            through: something else speaks here.
    """
    rows = records.view(np.int64).reshape(-1, _WORDS)[:, :_NUMBERS].T.copy()
    if rows.size:
        floats = rows[_TIMES:]
        if rows[:_TIMES].min() < 0 or floats.min() <= 0 or floats.max() >= _INFINITY:
            raise BatchError("a time, price or quantity is out of range")
    return rows


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
    recorded: Bools
    """The trade is replayed: its times are of the recording."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the trades of one batch share."""

    symbols: Slots16
    """Slot of each symbol of the batch's table."""
    sources: Slots16
    recorded: Bools | None
    """Whether each source of the batch's table is replayed; None when none is."""
    applied_ns: int
    pushed_ns: int


class Pending:
    """Room for `MAX_FOLD_TRADES` trades."""

    def __init__(self) -> None:
        self._numbers = np.zeros((_NUMBERS, MAX_FOLD_TRADES), np.int64)
        self._floats: Floats = self._numbers[_TIMES:].view(np.float64)
        self._applied_ns, self._pushed_ns, self._symbol, self._source = np.zeros((4, MAX_FOLD_TRADES), np.int64)
        self._is_buy, self._recorded = np.zeros((2, MAX_FOLD_TRADES), np.bool_)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def room(self) -> int:
        """Trades that still fit."""
        return MAX_FOLD_TRADES - self._n

    def add(self, rows: Ints, records: Records, origin: Origin) -> None:
        """Adds trades that must fit: their numbers, and the records these are from."""
        span = slice(self._n, self._n + len(records))
        source = records["source"]
        self._numbers[:, span] = rows
        self._symbol[span] = origin.symbols[records["symbol"]]
        self._source[span] = origin.sources[source]
        self._is_buy[span] = records["side"] == BUY
        self._recorded[span] = False if origin.recorded is None else origin.recorded[source]
        self._applied_ns[span], self._pushed_ns[span] = origin.applied_ns, origin.pushed_ns
        self._n = span.stop

    def take(self) -> Trades:
        """All that is there; valid until the next `add`."""
        span, self._n = slice(0, self._n), 0
        event_ns, sent_ns, received_ns = self._numbers[:_TIMES, span]
        price, qty = self._floats[:, span]
        return Trades(
            event_ns=event_ns,
            sent_ns=sent_ns,
            received_ns=received_ns,
            applied_ns=self._applied_ns[span],
            pushed_ns=self._pushed_ns[span],
            price=price,
            qty=qty,
            symbol=self._symbol[span],
            source=self._source[span],
            is_buy=self._is_buy[span],
            recorded=self._recorded[span],
        )
