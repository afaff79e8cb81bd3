"""Frames as the worker makes them, of plain columns."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.studies.protocol import FrameRef, columns_at, frame_bytes
from analytics.studies.runner.frames import FrameMaker
from tests.analytics.batches import NOW, SECOND


def frame(
    price: Sequence[float],
    *,
    qty: Sequence[float] | None = None,
    buys: Sequence[bool] | None = None,
    at_ns: Sequence[int] | None = None,
    first: int = 0,
) -> pd.DataFrame:
    """One trade a second from NOW on, of one unit, all bought, unless it is said otherwise."""
    n = len(price)
    times = np.array(at_ns if at_ns is not None else [NOW + number * SECOND for number in range(n)], np.int64)
    sizes = np.array(qty if qty is not None else np.ones(n), np.float64)
    sides = np.array(buys if buys is not None else np.ones(n), np.bool_)
    memory = memoryview(bytearray(max(frame_bytes(n), 8)))
    columns = columns_at(memory, 0, n)
    given = {"event_ns": times, "price": np.array(price, np.float64), "qty": sizes, "is_buy": sides}
    for name, column in columns.items():
        column[:] = given.get(name, 0)
    bought = float(sizes[sides].sum())
    maker = FrameMaker(memory)
    maker.rename(["bot"], [""])
    return maker.make(FrameRef("A", "market", 0, n, int(times.max()), first, bought, float(sizes.sum()) - bought))
