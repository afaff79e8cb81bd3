"""The ring keeps the last trades of each slot, in the order of arrival, whatever comes in one fold."""

from random import Random

import numpy as np
import pytest

from analytics.arrays import Ints
from analytics.intake.pending import Trades
from analytics.studies.protocol import columns_at, frame_bytes
from analytics.studies.ring import TradeRing
from tests.analytics.batches import NOW, SECOND
from tests.analytics.studies.worlds import trades

HOUR_NS = 3_600 * SECOND


def prices(ring: TradeRing, slot: int, window_ns: int = HOUR_NS) -> list[float]:
    rows, _ = ring.rows(slot, window_ns)
    columns = columns_at(memoryview(bytearray(max(frame_bytes(rows.size), 8))), 0, rows.size)
    # Views of a bytearray may be written to.
    ring.copy_into(columns, rows)
    found: list[float] = columns["price"].tolist()
    return found


@pytest.mark.parametrize("seed", range(20))
def test_it_holds_what_a_list_of_the_last_would_hold(seed: int) -> None:
    random, ring = Random(seed), TradeRing(max_slots=5, depth=7)  # noqa: S311 - no secret
    kept: dict[int, list[float]] = {slot: [] for slot in range(5)}
    price = 0.0
    for _ in range(30):
        for _ in range(random.randint(1, 4)):
            price += 1
            slot, n = random.randrange(5), random.choice([1, 2, 3, 8, 20])
            ring.fold(*_both(n, slot, price))
            kept[slot] = (kept[slot] + [price] * n)[-7:]
    assert {slot: prices(ring, slot) for slot in kept} == kept


def _both(n: int, slot: int, price: float) -> tuple[Trades, Ints]:
    new = trades(n, slot=slot, price=price, at_ns=[NOW] * n)
    return new, new.symbol


def test_the_window_leaves_out_old_arrivals_only() -> None:
    ring = TradeRing(max_slots=2, depth=8)
    ring.fold(*_at(NOW - 100 * SECOND))
    ring.fold(*_at(NOW))
    ring.fold(*_at(NOW - 50 * SECOND))  # late: it came after what is newer
    rows, end_ns = ring.rows(0, 10 * SECOND)
    assert (rows.tolist(), end_ns) == ([1, 2], NOW)


def _at(event_ns: int) -> tuple[Trades, Ints]:
    new = trades(1, at_ns=[event_ns])
    return new, new.symbol


def test_volumes_are_since_the_start_and_a_cleared_slot_begins_anew() -> None:
    ring = TradeRing(max_slots=2, depth=2)
    for buys in (True, True, False):
        new = trades(3, buys=buys, qty=2.0)
        ring.fold(new, new.symbol)
    assert ring.volumes(0) == (12.0, 6.0)
    assert ring.take_touched() == [0]
    assert ring.take_touched() == []
    ring.clear(0)
    assert (ring.volumes(0), ring.rows(0, HOUR_NS)[0].size, ring.total(0)) == ((0.0, 0.0), 0, 0)


def test_it_takes_no_room_for_slots_that_never_came() -> None:
    ring = TradeRing(max_slots=1_000, depth=4_096)
    assert sum(column.nbytes for column in ring._columns.values()) == 0
    ring.fold(*_at(NOW))
    assert ring._columns["price"].size == 8 * 4_096
    assert not np.isnan(ring._columns["price"]).any()
