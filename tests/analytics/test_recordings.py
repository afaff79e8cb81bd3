"""A replayed hour of trades gives the reference values, which were computed apart from this project."""

import csv
from collections.abc import Iterator
from datetime import datetime

import pytest

from analytics.aggregates.window_statistics import window_statistics
from analytics.engine import Engine
from tests.analytics.batches import NOW, T, batch, engine, state_of
from tests.helpers.recordings import recording


def trades() -> Iterator[T]:
    with recording("trades_btcusd_20230905.csv").open() as lines:
        for row in csv.DictReader(lines):
            event_ns = round(datetime.fromisoformat(row["timestamp"]).timestamp() * 1e6) * 1_000
            yield T(
                qty=float(row["amount"]),
                price=float(row["price"]),
                side=row["side"].lower(),
                symbol=row["symbol"],
                at_ns=event_ns - NOW,
            )


@pytest.fixture(scope="module")
def hour() -> Engine:
    made, arrived = engine(), list(trades())
    for begin in range(0, len(arrived), 100):
        made.apply(batch(arrived[begin : begin + 100], first_seq=begin, replayed=[0]), now_ns=NOW, monotonic_ns=NOW)
    return made


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("trades", 5882),
        ("vwap", 25769.4010546563),
        ("qty_mean", 0.035917696880),
        ("qty_std", 0.113588841623),
        ("qty_max", 2.55043525),
        ("buy_volume", 62.83755914),
        ("sell_volume", 148.43033391),
        ("open", 25741.02),
        ("high", 25828.51),
        ("low", 25714.11),
        ("close", 25735.97),
    ],
)
def test_the_window_of_an_hour_is_right_to_the_digit(hour: Engine, field: str, expected: float) -> None:
    window = window_statistics(state_of(hour).windows["1h"])
    # Half of the reference's last digit, where that is more.
    assert getattr(window, field)[1] == pytest.approx(expected, rel=1e-9, abs=5e-13)


def test_the_totals_are_right_by_side(hour: Engine) -> None:
    totals = state_of(hour).totals
    assert totals.trades[:, 1].tolist() == [3465, 5882 - 3465]
    assert totals.volume[:, 1] == pytest.approx([62.83755914, 148.43033391], rel=1e-9)
