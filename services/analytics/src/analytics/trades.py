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
"""The first words of a record are its three times, price and quantity."""

Slots16: TypeAlias = npt.NDArray[np.uint16]
"""Slots, as they are kept in the records."""

_PRICE, _QTY = 3, 4
_INFINITY: Final = int(np.array(np.inf).view(np.int64))
"""The bits of a positive float, read as an integer, are between 0 and those of infinity, and in the same order."""


def check_values(records: Records) -> None:
    """Checks that every time is ≥ 0, every price and quantity above 0 and finite.

    Raises:
        BatchError: one is not, which ingest does not let through: something else speaks here.
    """
    if not len(records):
        return
    numbers = records.view(np.int64).reshape(-1, _WORDS)[:, :_NUMBERS]
    least, most = numbers.min(axis=0).tolist(), numbers.max(axis=0).tolist()
    if min(least) < 0 or not min(least[_PRICE], least[_QTY]) or max(most[_PRICE], most[_QTY]) >= _INFINITY:
        raise BatchError("a time, price or quantity is out of range")


@dataclass(frozen=True, slots=True)
class Trades:
    """Some trades in the order of their arrival, columns of shape (n,). Times are in epoch nanoseconds."""

    records: Records
    """As they came, but symbol and source are slots."""
    event_ns: Ints
    price: Floats
    qty: Floats
    is_buy: Bools
    symbol: Ints
    """Slot of the symbol."""
    source: Ints
    """Slot of the source."""
    applied_ns: Ints
    pushed_ns: Ints
    """When ingest pushed the batch."""
    recorded: Bools
    """The trade is replayed: its times are of the recording."""


class Pending:
    """Room for `MAX_FOLD_TRADES` trades."""

    def __init__(self) -> None:
        self._words = np.zeros((MAX_FOLD_TRADES, _WORDS), np.int64)
        self._records: Records = self._words.view(TRADE_DTYPE).reshape(-1)
        self._applied_ns, self._pushed_ns = np.zeros((2, MAX_FOLD_TRADES), np.int64)
        self._recorded = np.zeros(MAX_FOLD_TRADES, np.bool_)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def room(self) -> int:
        """Trades that still fit."""
        return MAX_FOLD_TRADES - self._n

    def add(
        self, records: Records, *, symbols: Slots16, sources: Slots16, recorded: Bools | None, at: tuple[int, int]
    ) -> None:
        """Adds trades that must fit.

        Args:
            records: contiguous, shape (n,).
            symbols: slot of each symbol of the batch's table.
            sources: slot of each source of the batch's table.
            recorded: whether each source of the batch's table is replayed; None when none is.
            at: when they were applied and when ingest pushed them.
        """
        span = slice(self._n, self._n + len(records))
        # Copied as words: NumPy copies a structured array field by field, thirty times slower.
        self._words[span] = records.view(np.int64).reshape(-1, _WORDS)
        source = records["source"]
        self._records["symbol"][span] = symbols[records["symbol"]]
        self._records["source"][span] = sources[source]
        self._recorded[span] = False if recorded is None else recorded[source]
        self._applied_ns[span], self._pushed_ns[span] = at
        self._n = span.stop

    def take(self) -> Trades:
        """All that is there; valid until the next `add`."""
        span, self._n = slice(0, self._n), 0
        records = self._records[span]
        return Trades(
            records=records,
            event_ns=records["event_ns"].copy(),
            price=records["price"].copy(),
            qty=records["qty"].copy(),
            is_buy=records["side"] == BUY,
            symbol=records["symbol"].astype(np.int64),
            source=records["source"].astype(np.int64),
            applied_ns=self._applied_ns[span],
            pushed_ns=self._pushed_ns[span],
            recorded=self._recorded[span],
        )
