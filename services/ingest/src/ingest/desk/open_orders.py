"""The orders that rest at the paper desk, and which of them the market's trades fill. Pure.

    buy at 99:   a trade at 99.5 or 99 leaves it, one at 98.9 went through its price and fills it at 99
    sell at 99:  the other way round

Only live trades of the market count, by when they happened: one that came late, and happened before the order was here,
fills nothing, nor does one that is older than a price may be. An order fills whole, or, by volume, with at most what
traded through its price: the better price first, of one price the order that came first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ingest.checking.chunks import Chunk
from ingest.desk.last_prices import live_market
from telemetry_schema import Count, EpochNs, Message, TradeCommand

MAX_OPEN_ORDERS: Final = 1_000
"""Orders of all sources together: a bound of what is kept in the log."""

_FILLED_RATIO: Final = 1 - 1e-9
"""An order is filled when so much of it is: what sums of floats leave is no order."""


class RestingOrder(Message):
    """An order that rests, as it is kept in the log."""

    command: TradeCommand
    price: float
    """Its limit, in quote per base; it fills at no other."""
    received_ns: EpochNs
    number: Count
    """Counts the orders that ever rested: of one price the first comes first."""
    filled_qty: float = 0.0
    fills: Count = 0

    @property
    def order_id(self) -> UUID:
        """The command's id."""
        return self.command.command_id

    @property
    def left_qty(self) -> float:
        """What is not filled yet, units of base."""
        return self.command.qty - self.filled_qty

    @property
    def is_filled(self) -> bool:
        """Whether nothing is left of it."""
        return self.filled_qty >= self.command.qty * _FILLED_RATIO

    def filled_by(self, qty: float) -> "RestingOrder":
        """The order after a fill of so many units of base."""
        return self.model_copy(update={"filled_qty": self.filled_qty + qty, "fills": self.fills + 1})


class Crossing(NamedTuple):
    """A fill of a resting order: the order before it, and units of base."""

    order: RestingOrder
    qty: float


class OpenOrders:
    """All orders that rest.

    Args:
        by_volume: whether a trade fills no more than its own quantity.
        max_age_s: how old a trade may be when it comes.
    """

    def __init__(self, *, by_volume: bool, max_age_s: float) -> None:
        self._by_volume, self._max_age_ns = by_volume, round(max_age_s * 1e9)
        self._orders: dict[UUID, RestingOrder] = {}
        self._symbols: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        """Orders by source."""
        self._since_ns: dict[UUID, int] = {}
        self._changed: set[UUID] = set()
        self._next_number = 0

    def __len__(self) -> int:
        """How many rest."""
        return len(self._orders)

    def all(self, symbol: str | None = None) -> list[RestingOrder]:
        """All of them, or those of one symbol, in the order in which they came."""
        return [order for order in self._orders.values() if symbol in {None, order.command.symbol}]

    def find(self, order_id: UUID) -> RestingOrder | None:
        """The order, if it rests."""
        return self._orders.get(order_id)

    def add(self, command: TradeCommand, price: float, received_ns: int, monotonic_ns: int) -> RestingOrder:
        """Lets an order rest from `monotonic_ns` on."""
        order = RestingOrder(command=command, price=price, received_ns=received_ns, number=self._next_number)
        self._put(order)
        self._since_ns[order.order_id] = monotonic_ns
        self._changed.add(order.order_id)
        return order

    def _put(self, order: RestingOrder) -> None:
        self._orders[order.order_id] = order
        self._symbols[order.command.symbol] += 1
        self.sources[order.command.source] += 1
        self._next_number = max(self._next_number, order.number + 1)

    def update(self, order: RestingOrder) -> None:
        """Notes a fill; an order that is filled rests no more."""
        self._orders[order.order_id] = order
        self._changed.add(order.order_id)
        if order.is_filled:
            self.remove(order)

    def remove(self, order: RestingOrder) -> None:
        """Takes an order out."""
        del self._orders[order.order_id]
        self._since_ns.pop(order.order_id, None)
        self._changed.add(order.order_id)
        for counts, name in ((self._symbols, order.command.symbol), (self.sources, order.command.source)):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def take_changed(self) -> dict[str, RestingOrder | None]:
        """What has changed since it was last asked, by the order's id; None rests no more."""
        changed, self._changed = self._changed, set()
        return {str(order_id): self._orders.get(order_id) for order_id in changed}

    def restore(self, orders: Iterable[RestingOrder]) -> None:
        """Takes over what an earlier process kept, in any order."""
        for order in sorted(orders, key=lambda one: one.number):
            self._put(order)

    def crossings(self, chunks: Sequence[Chunk], now_ns: int, monotonic_ns: int) -> Iterator[Crossing]:
        """What the trades of chunks fill; each must be noted by `update` before the next is asked for."""
        for chunk in chunks if self._orders else ():
            if self._symbols.keys().isdisjoint(chunk.symbols):
                continue
            records, symbols = live_market(chunk), self._symbols.copy()
            at_ns = monotonic_ns - np.maximum(records["received_ns"] - records["event_ns"], 0)
            young = at_ns >= monotonic_ns - self._max_age_ns
            for index, symbol in enumerate(chunk.symbols):
                if symbol in symbols:
                    rows = young & (records["symbol"] == index)
                    trades = _Trades(records["price"][rows], records["qty"][rows], at_ns[rows])
                    yield from self._of_symbol(symbol, trades, now_ns, monotonic_ns)

    def _of_symbol(self, symbol: str, trades: "_Trades", now_ns: int, monotonic_ns: int) -> Iterator[Crossing]:
        if not len(trades.price):
            return
        for order in sorted(self.all(symbol), key=_priority):
            is_through = trades.went_through(order) & (trades.at_ns > self._since(order, now_ns, monotonic_ns))
            if is_through.any():
                qty = trades.take(is_through, order.left_qty) if self._by_volume else order.left_qty
                if qty > 0:
                    yield Crossing(order, qty)

    def _since(self, order: RestingOrder, now_ns: int, monotonic_ns: int) -> int:
        """Since when it rests, in monotonic time; of an order of an earlier process wall time says it, once."""
        if order.order_id not in self._since_ns:
            self._since_ns[order.order_id] = monotonic_ns - max(now_ns - order.received_ns, 0)
        return self._since_ns[order.order_id]


class _Trades(NamedTuple):
    """Trades of one symbol, each array of shape (n,); `qty` is what no order has taken yet."""

    price: npt.NDArray[np.float64]
    qty: npt.NDArray[np.float64]
    at_ns: npt.NDArray[np.int64]

    def went_through(self, order: RestingOrder) -> npt.NDArray[np.bool_]:
        return self.price < order.price if order.command.side == "buy" else self.price > order.price

    def take(self, rows: npt.NDArray[np.bool_], wanted: float) -> float:
        """Takes up to so many units from these trades, the first ones first; what it got."""
        got = 0.0
        for row in np.flatnonzero(rows).tolist():
            part = min(float(self.qty[row]), wanted - got)
            self.qty[row] -= part
            got += part
            if got >= wanted:
                break
        return got


def _priority(order: RestingOrder) -> tuple[float, int]:
    return (-order.price if order.command.side == "buy" else order.price), order.number
