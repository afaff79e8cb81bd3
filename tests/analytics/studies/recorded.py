"""The recorded Binance trades, read without any of the product's parsers."""

import gzip
import json
from collections.abc import Sequence

import pandas as pd

from tests.analytics.studies.frames import frame
from tests.analytics.studies.reference import Print
from tests.helpers.recordings import recording

_MS = 1_000_000


def recorded() -> list[Print]:
    """9,757 trades of BTCUSDT around midnight, ascending by event time."""
    found = []
    with gzip.open(recording("binance_spot_btcusdt_20240808.gz"), "rt") as lines:
        for line in lines:
            message = json.loads(line.partition(" ")[2])
            data = message.get("data", message)
            if data.get("e") == "trade":
                sign = -1 if data["m"] else 1
                found.append(Print(data["T"] * _MS, float(data["p"]), float(data["q"]), sign))
    assert len(found) > 3_000
    return sorted(found, key=lambda each: each.at_ns)


def framed(prints: Sequence[Print], *, first: int = 0) -> pd.DataFrame:
    return frame(
        [each.price for each in prints],
        qty=[each.qty for each in prints],
        buys=[each.sign > 0 for each in prints],
        at_ns=[each.at_ns for each in prints],
        first=first,
    )
