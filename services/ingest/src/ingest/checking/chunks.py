"""Turns decoded trades into the records of a batch. Pure."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from telemetry_schema.batch import BUY, RECORD, SELL, TRADE_DTYPE, FastColumns, Frame, Records, TradeTable

MAX_CHUNK_TRADES = 16_384
"""A chunk is closed at this length: a batch of at most twice as many fits 16-bit indexes."""

_Name = TypeVar("_Name", bound=str | None)

_MAX_CHUNK_BYTES = MAX_CHUNK_TRADES * TRADE_DTYPE.itemsize

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
    @property
    def account(self) -> str | None: ...  # noqa: D102 - as above
    @property
    def id(self) -> str | None: ...  # noqa: D102 - as above


class Chunk(NamedTuple):
    """Accepted trades that become one batch: their records as bytes, and the tables they index.

    `accounts` and `ids` are empty unless there are trades of our own; an id comes with the index of its trade.
    """

    frame: Frame
    symbols: list[str]
    sources: list[str]
    replayed: list[int]
    accounts: Sequence[str] = ()
    ids: Sequence[tuple[int, str]] = ()

    @property
    def records(self) -> Records:
        """The trades, shape (n,)."""
        return np.frombuffer(self.frame, TRADE_DTYPE)

    @property
    def trades(self) -> int:
        """How many there are."""
        return len(self.frame) // TRADE_DTYPE.itemsize


class ChunkBuilder:
    """Collects the accepted trades of a burst; `chunks` gives them in the order they came."""

    def __init__(self) -> None:
        self._done: list[Chunk] = []
        self._renew()

    def _renew(self) -> None:
        self._frames: list[Frame] = []
        self._bytes = 0
        self._symbols: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self._replayed: set[int] = set()
        self._accounts: dict[str | None, int] = {None: 0}
        self._ids: list[tuple[int, str]] = []

    def add_trades(self, trades: Sequence[TradeLike], received_ns: int | list[int], *, replayed: bool = False) -> None:
        """Adds single trades; `received_ns` is one time for all, or one each."""
        times = received_ns if isinstance(received_ns, list) else [received_ns] * len(trades)
        for start in range(0, len(trades), MAX_CHUNK_TRADES):
            # In parts: a feed may hand over any number of trades at once, and a chunk's tables are its own.
            self._add_some(trades[start : start + MAX_CHUNK_TRADES], times[start : start + MAX_CHUNK_TRADES], replayed)

    def _add_some(self, trades: Sequence[TradeLike], received_ns: list[int], replayed: bool) -> None:  # noqa: FBT001
        pack, symbols, sources, accounts = RECORD.pack, self._symbols, self._sources, self._accounts
        frames = [
            pack(
                trade.event_ns,
                trade.sent_ns,
                at_ns,
                trade.price,
                trade.qty,
                symbols.setdefault(trade.symbol, len(symbols)),
                sources.setdefault(trade.source, len(sources)),
                _SIDES[trade.side],
                accounts.setdefault(trade.account, len(accounts)),
            )
            for trade, at_ns in zip(trades, received_ns, strict=True)
        ]
        if replayed:
            self._replayed.update(sources[trade.source] for trade in trades)
        if len(accounts) > 1:
            self._note_ids([trade.account for trade in trades], [trade.id for trade in trades])
        self._add(b"".join(frames))

    def add_table(self, table: TradeTable, records: Records) -> None:
        """Adds the trades of a table; `records` are its `records_of`, whose symbols and sources are filled in here."""
        sources = [source for source, _ in table.senders]
        records["symbol"] = _codes(table.symbol, self._symbols)
        records["source"] = _codes(sources, self._sources)  # one for all, or one each
        records["account"] = 0 if table.account is None else _codes(table.account, self._accounts)
        if table.account is not None and table.id is not None:
            self._note_ids(table.account, table.id)
        self._add(_bytes_of(records))

    def add_columns(self, columns: FastColumns, received_ns: int, start: int, end: int) -> None:
        """Adds the trades `start` to `end - 1` of a columnar message."""
        part = slice(start, end)
        records = np.empty(end - start, TRADE_DTYPE)
        records["event_ns"] = _ints(columns.event_ns[part])
        records["sent_ns"] = columns.sent_ns
        records["received_ns"] = received_ns
        records["price"] = _floats(columns.price[part])
        records["qty"] = _floats(columns.qty[part])
        records["symbol"] = _codes(columns.symbol[part], self._symbols)
        records["source"] = self._sources.setdefault(columns.source, len(self._sources))
        records["side"] = _sides(columns.side[part])
        records["account"] = self._accounts.setdefault(columns.account, len(self._accounts))
        self._add(_bytes_of(records))

    def _note_ids(self, accounts: Sequence[str | None], ids: Sequence[str | None]) -> None:
        """Keeps the identifiers of our own among the trades that are added next.

        Those of market trades end here: source, run and number identify them, and a feed's would double its batches.
        """
        first = self._bytes // TRADE_DTYPE.itemsize
        pairs = enumerate(zip(accounts, ids, strict=True), first)
        self._ids += [(index, name) for index, (account, name) in pairs if account is not None and name is not None]

    def _add(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes >= _MAX_CHUNK_BYTES:
            self._close()

    def _close(self) -> None:
        frame = self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)
        accounts = [name for name in self._accounts if name is not None]
        chunk = Chunk(frame, list(self._symbols), list(self._sources), sorted(self._replayed), accounts, self._ids)
        self._done.append(chunk)
        self._renew()

    def chunks(self) -> list[Chunk]:
        """What was added since the last time, each chunk with tables of its own."""
        if self._frames:
            self._close()
        chunks, self._done = self._done, []
        return chunks


def records_of(table: TradeTable, received_ns: int) -> Records:
    """The records of a table, shape (n,), but for symbols, sources and accounts."""
    records = np.empty(len(table.symbol), TRADE_DTYPE)
    records["event_ns"] = _ints(table.event_ns)
    records["sent_ns"] = _ints(table.sent_ns)
    records["received_ns"] = received_ns
    records["price"] = _floats(table.price)
    records["qty"] = _floats(table.qty)
    records["side"] = _sides(table.side)
    return records


def _bytes_of(records: Records) -> memoryview:
    return records.view(np.uint8).data


def _ints(values: Sequence[int]) -> npt.NDArray[np.int64]:
    # Twice as fast as np.array, which looks at every value first to find out what it is.
    return np.fromiter(values, np.int64, len(values))


def _floats(values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.fromiter(values, np.float64, len(values))


def _sides(sides: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.fromiter(map(_SIDES.__getitem__, sides), np.uint8, len(sides))


def _codes(names: Sequence[_Name], table: dict[_Name, int]) -> npt.NDArray[np.uint16]:
    """The index of each name in the table, which takes up those it does not know."""
    try:
        return np.fromiter(map(table.__getitem__, names), np.uint16, len(names))
    except KeyError:
        for name in dict.fromkeys(names):
            table.setdefault(name, len(table))
        return _codes(names, table)
