"""Summaries of the trades of a second, a minute or a window, and how many of them become one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from analytics.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class BucketColumns:
    """What is known of a bucket, and of any number of them: one column each.

    A bucket without trades has n = 0, low = inf and high = −inf; its other prices mean nothing. Quantities are in base,
    prices in quote per base, notional in quote.
    """

    n: npt.NDArray[np.uint32] | Ints
    buy_volume: Floats
    sell_volume: Floats
    notional: Floats
    m2: Floats
    """Σ(qty − mean qty)²."""
    qty_max: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True)
class Rows(BucketColumns):
    """Summaries of consecutive spans of time, all columns of shape (spans, symbols), or (symbols,) for one span."""

    closes: Ints
    """Seconds that had trades."""
    first_close: Floats
    """Close of the first of them."""
    squared_returns: Floats
    """Σ ln(c[i] / c[i−1])² over their closes; NaN once a close is not above 0, as it has no logarithm."""

    def slice(self, first: int, last: int) -> "Rows":
        """The spans from first up to, not including, last."""
        return Rows(*(getattr(self, name)[first:last] for name in _NAMES))

    def first(self, symbols: int) -> "Rows":
        """A single span, of the first symbols only."""
        return self.slice(0, symbols)

    def as_spans(self) -> "Rows":
        """A single span as a row of its own, shape (1, symbols)."""
        return Rows(*(getattr(self, name)[None] for name in _NAMES))

    def write(self, span: int, row: "Rows") -> None:
        """Replaces one span."""
        for name in _NAMES:
            getattr(self, name)[span] = getattr(row, name)

    def widened(self, symbols: int) -> "Rows":
        """The same with more symbols, which have no trades."""
        wider = Rows.empty(self.n.shape[0], symbols)
        for name in _NAMES:
            getattr(wider, name)[:, : self.n.shape[1]] = getattr(self, name)
        return wider

    @classmethod
    def empty(cls, *shape: int) -> Self:
        """No trades."""
        columns: dict[str, Any] = {name: np.zeros(shape) for name in _NAMES}
        columns["low"], columns["high"] = np.full(shape, np.inf), np.full(shape, -np.inf)
        columns["n"], columns["closes"] = np.zeros((2, *shape), np.int64)
        return cls(**columns)


_NAMES: Final = tuple(field.name for field in fields(Rows))


def concatenate(parts: Sequence[Rows]) -> Rows:
    """All spans of the parts, which must be in the order of time."""
    if len(parts) == 1:
        return parts[0]
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


def reduce_rows(rows: Rows) -> Rows:
    """One span, shape (symbols,), that covers all of them; the spans must be in the order of time.

    M2 is exact: Σ M2[i] + Σ n[i]·(mean[i] − mean)² (Chan), with no sum of squares to cancel.
    """
    n = rows.n.sum(axis=0, dtype=np.int64)
    volume = rows.buy_volume + rows.sell_volume
    mean = volume.sum(axis=0) / np.maximum(n, 1)
    # A span without trades has weight 0, whatever its mean is taken for.
    spread = rows.n * np.square(volume / np.maximum(rows.n, 1) - mean)
    traded = rows.n > 0
    ends = _Ends(traded)
    return Rows(
        n=n,
        buy_volume=rows.buy_volume.sum(axis=0),
        sell_volume=rows.sell_volume.sum(axis=0),
        notional=rows.notional.sum(axis=0),
        m2=rows.m2.sum(axis=0) + spread.sum(axis=0),
        qty_max=rows.qty_max.max(axis=0),
        open=ends.first(rows.open),
        high=rows.high.max(axis=0),
        low=rows.low.min(axis=0),
        close=ends.last(rows.close),
        closes=rows.closes.sum(axis=0),
        first_close=ends.first(rows.first_close),
        squared_returns=rows.squared_returns.sum(axis=0) + _joints(rows, traded),
    )


class _Ends:
    """Where each symbol's first and last span with trades is."""

    def __init__(self, traded: Bools) -> None:
        self._columns = np.arange(traded.shape[1])
        self._first = traded.argmax(axis=0)
        self._last = traded.shape[0] - 1 - traded[::-1].argmax(axis=0)

    def first(self, values: Floats) -> Floats:
        found: Floats = values[self._first, self._columns]
        return found

    def last(self, values: Floats) -> Floats:
        found: Floats = values[self._last, self._columns]
        return found


def _joints(rows: Rows, traded: Bools) -> Floats:
    """Σ of the squared log returns from the last close of a span to the first close of the next one with trades.

    NaN where one of the two is not above 0.
    """
    # By symbol, then by time: neighbours of the same symbol are what a return joins.
    symbol, span = traded.T.nonzero()
    cell = span * traded.shape[1] + symbol
    same = symbol[1:] == symbol[:-1]
    after, before = cell[1:][same], cell[:-1][same]
    to_close, from_close = rows.first_close.reshape(-1)[after], rows.close.reshape(-1)[before]
    # Below 0 both, their ratio would have a logarithm, but one that means nothing.
    returns = np.log(np.where(np.minimum(to_close, from_close) > 0, to_close / from_close, np.nan))
    beyond = np.isinf(returns)
    if beyond.any():
        # The ratio of an absurd price to a common one is no float; the difference of the logarithms is one.
        returns[beyond] = np.log(to_close[beyond]) - np.log(from_close[beyond])
    return np.asarray(np.bincount(symbol[1:][same], returns * returns, traded.shape[1]), np.float64)
