"""From trades at any moment to values on a regular grid of time."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analytics.arrays import Floats, Ints

SECOND_NS: Final = 1_000_000_000


class Grid(NamedTuple):
    """Cells of equal length, in order, from the first cell with a trade to the last; shape (cells,).

    `price` is the last price up to the end of the cell, carried over cells without a trade.
    """

    price: Floats
    bought: Floats
    sold: Floats
    notional: Floats


def nanoseconds(trades: pd.DataFrame) -> Ints:
    """Event times of the trades, UTC epoch nanoseconds."""
    # As it is stored: to_numpy() would make an object of each time.
    return np.asarray(trades.index, "datetime64[ns]").view(np.int64)


def signs(trades: pd.DataFrame) -> Floats:
    """+1 for each trade whose taker bought, −1 for each whose taker sold."""
    side = trades["side"]
    if isinstance(side.dtype, pd.CategoricalDtype):
        # Text is compared once a category, not once a trade.
        return np.where(side.dtype.categories == "buy", 1.0, -1.0)[side.cat.codes]
    return np.where(side.to_numpy() == "buy", 1.0, -1.0)


def grid(trades: pd.DataFrame, cell_ns: int) -> Grid:
    """The trades on a grid; `trades` has at least one row."""
    cell = nanoseconds(trades) // cell_ns
    cell -= cell[0]
    cells = int(cell[-1]) + 1
    qty, notional = trades["qty"].to_numpy(), trades["notional"].to_numpy()
    is_buy = signs(trades) > 0
    last = np.full(cells, -1)
    last[cell] = np.arange(cell.size)  # of several to one place the last one stays
    return Grid(
        price=trades["price"].to_numpy()[np.maximum.accumulate(last)],
        bought=_sums(cell, np.where(is_buy, qty, 0.0), cells),
        sold=_sums(cell, np.where(is_buy, 0.0, qty), cells),
        notional=_sums(cell, np.abs(notional), cells),
    )


def _sums(cell: Ints, values: Floats, cells: int) -> Floats:
    return np.bincount(cell, values, cells).astype(np.float64)


def log_returns(price: Floats) -> Floats:
    """Log returns from each price to the next; empty where a price is not above zero."""
    if price.size < 2 or not bool(np.all(price > 0)):  # noqa: PLR2004 - a return needs two prices
        return np.empty(0)
    return np.diff(np.log(price))
