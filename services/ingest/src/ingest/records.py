"""From decoded trades to the columns of a batch. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from telemetry_schema.batch import BUY, SELL, TRADE_DTYPE, Records
from telemetry_schema.decoder import FastColumns, TradeTable

MAX_CHUNK_TRADES = 16_384
"""A chunk is closed at this length: a batch of at most twice as many fits 16-bit indexes."""

_SIDES = {"buy": BUY, "sell": SELL}


class TradeLike(Protocol):
    """What a trade must have to become a record: a decoded message and a feed's trade both do."""

    @property
    def source(self) -> str: ...  # noqa: D102 - see telemetry_schema.messages.Trade
    @property
    def symbol(self) -> str: ...  # noqa: D102 - as above
    @property
    def side(self) -> str: ...  # noqa: D102 - as above
    @property
    def qty(self) -> float: ...  # noqa: D102 - as above
    @property
    def price(self) -> float: ...  # noqa: D102 - as above
    @property
    def event_ns(self) -> int: ...  # noqa: D102 - as above
    @property
    def sent_ns(self) -> int: ...  # noqa: D102 - as above


@dataclass(slots=True)
class Chunk:
    """Accepted trades that become one batch: records of shape (n,), and the tables they index."""

    records: Records
    symbols: list[str]
    sources: list[str]
    recorded: list[int]


@dataclass(slots=True)
class ChunkBuilder:
    """Collects the accepted trades of a burst; `chunks` gives them in the order they came."""

    _parts: list[Records] = field(default_factory=list)
    _count: int = 0
    _symbols: dict[str, int] = field(default_factory=dict)
    _sources: dict[str, int] = field(default_factory=dict)
    _recorded: set[int] = field(default_factory=set)
    _done: list[Chunk] = field(default_factory=list)

    def add_trades(self, trades: Sequence[TradeLike], received_ns: int | list[int], *, recorded: bool = False) -> None:
        """Adds single trades; `received_ns` is one time for all, or one each."""
        if not trades:
            return
        symbols, sources = self._symbols, self._sources
        records = np.empty(len(trades), TRADE_DTYPE)
        records["event_ns"] = [trade.event_ns for trade in trades]
        records["sent_ns"] = [trade.sent_ns for trade in trades]
        records["received_ns"] = received_ns
        records["price"] = [trade.price for trade in trades]
        records["qty"] = [trade.qty for trade in trades]
        records["symbol"] = [symbols.setdefault(trade.symbol, len(symbols)) for trade in trades]
        codes = [sources.setdefault(trade.source, len(sources)) for trade in trades]
        records["source"] = codes
        records["side"] = [_SIDES[trade.side] for trade in trades]
        if recorded:
            self._recorded.update(codes)
        self._add(records)

    def add_table(self, table: TradeTable, records: Records) -> None:
        """Adds the trades of a table, whose `records_of` the caller has made, and fills in symbols and sources."""
        records["symbol"] = _codes(table.symbol, self._symbols)
        records["source"] = _codes(table.source, self._sources)
        self._add(records)

    def add_columns(self, columns: FastColumns, received_ns: int, *, skip: int = 0) -> None:
        """Adds a columnar message, but for its first `skip` trades."""
        records = np.empty(len(columns.symbol) - skip, TRADE_DTYPE)
        records["event_ns"] = _ints(columns.event_ns[skip:])
        records["sent_ns"] = columns.sent_ns
        records["received_ns"] = received_ns
        records["price"] = _floats(columns.price[skip:])
        records["qty"] = _floats(columns.qty[skip:])
        records["symbol"] = _codes(columns.symbol[skip:], self._symbols)
        records["source"] = self._sources.setdefault(columns.source, len(self._sources))
        records["side"] = _sides(columns.side[skip:])
        self._add(records)

    def _add(self, records: Records) -> None:
        self._parts.append(records)
        self._count += len(records)
        if self._count >= MAX_CHUNK_TRADES:
            self._close()

    def _close(self) -> None:
        # NumPy would pack the columns of several arrays together; the batch's layout has room between them.
        records = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts, dtype=TRADE_DTYPE)
        self._done.append(Chunk(records, list(self._symbols), list(self._sources), sorted(self._recorded)))
        self._parts, self._count = [], 0
        self._symbols, self._sources, self._recorded = {}, {}, set()

    def chunks(self) -> list[Chunk]:
        """What was added, each chunk with tables of its own."""
        if self._parts:
            self._close()
        return self._done


def records_of(table: TradeTable, received_ns: int) -> Records:
    """The records of a table, shape (n,), but for symbols and sources."""
    records = np.empty(len(table.symbol), TRADE_DTYPE)
    records["event_ns"] = _ints(table.event_ns)
    records["sent_ns"] = _ints(table.sent_ns)
    records["received_ns"] = received_ns
    records["price"] = _floats(table.price)
    records["qty"] = _floats(table.qty)
    records["side"] = _sides(table.side)
    return records


def _ints(values: Sequence[int]) -> npt.NDArray[np.int64]:
    # Twice as fast as np.array, which looks at every value first to find out what it is.
    return np.fromiter(values, np.int64, len(values))


def _floats(values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.fromiter(values, np.float64, len(values))


def _sides(sides: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.fromiter(map(_SIDES.__getitem__, sides), np.uint8, len(sides))


def _codes(names: Sequence[str], table: dict[str, int]) -> npt.NDArray[np.uint16]:
    """The index of each name in the table, which takes up those it does not know."""
    for name in dict.fromkeys(names):
        table.setdefault(name, len(table))
    return np.fromiter(map(table.__getitem__, names), np.uint16, len(names))
