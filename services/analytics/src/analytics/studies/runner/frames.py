"""DataFrames of the columns that analytics has put into the shared memory."""

from typing import Any, Final

import numpy as np
import pandas as pd

from analytics.arrays import Ints
from analytics.studies.builtin.grids import nanoseconds
from analytics.studies.protocol import Column, FrameRef, columns_at

_SIDES: Final = pd.CategoricalDtype(["sell", "buy"])


class FrameMaker:
    """Makes frames. Columns are copied out of the memory, so that a study may keep what it is given."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._sources: list[str] = []
        self._accounts: list[str] = []

    def rename(self, sources: list[str] | None, accounts: list[str] | None) -> None:
        """Takes new names by code."""
        if sources is not None:
            self._sources = sources
        if accounts is not None:
            self._accounts = accounts

    def make(self, ref: FrameRef) -> pd.DataFrame:
        """The trades of one symbol, ascending by event time; equal times are in the order of arrival.

        The column `number` counts the symbol's trades since the start, in the order of arrival.

        `attrs` holds symbol, origin, first (trades of the symbol before the first row), end_ns, bought and sold (volume
        since the start), and life (another number where these have begun anew).
        """
        columns = columns_at(self._memory, ref.begin, ref.rows)
        event_ns = columns["event_ns"]
        order = None if bool(np.all(event_ns[1:] >= event_ns[:-1])) else np.argsort(event_ns, kind="stable")
        taken = {name: column.copy() if order is None else column[order] for name, column in columns.items()}
        taken["number"] = ref.first + (np.arange(ref.rows) if order is None else order)
        frame = pd.DataFrame(self._columns(taken), index=_times(taken["event_ns"]), copy=False)
        frame.attrs = {
            "symbol": ref.symbol,
            "origin": ref.origin,
            "first": ref.first,
            "end_ns": ref.end_ns,
            "bought": ref.bought,
            "sold": ref.sold,
            "life": ref.life,
        }
        return frame

    def _columns(self, taken: dict[str, Column]) -> dict[str, object]:
        return {
            "price": taken["price"],
            "qty": taken["qty"],
            "notional": taken["price"] * taken["qty"],
            "side": pd.Categorical.from_codes(taken["is_buy"].astype(np.int8), dtype=_SIDES),
            "source": _named(taken["source"], self._sources),
            "account": _named(taken["account"], self._accounts),
            "replayed": taken["replayed"],
            "number": taken["number"],
        }


def _named(codes: Column, names: list[str]) -> "pd.Categorical[Any]":
    # A code without a name is that of a source or account that came after the names were sent: it has none yet.
    known: Ints = np.where(codes < len(names), codes.astype(np.int64), -1)
    return pd.Categorical.from_codes(known, categories=pd.Index(names, dtype=object))


def _times(event_ns: Column) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(event_ns.view("datetime64[ns]"), name="time").tz_localize("UTC")


def window_of(frame: pd.DataFrame, window_ns: int) -> pd.DataFrame:
    """The rows of the last `window_ns` before the frame's end; the frame itself where it is no longer."""
    since = frame.attrs["end_ns"] - window_ns
    begin = int(np.searchsorted(nanoseconds(frame), since))
    if not begin:
        return frame
    part = frame.iloc[begin:]
    part.attrs = {**frame.attrs, "first": frame.attrs["first"] + begin}
    return part
