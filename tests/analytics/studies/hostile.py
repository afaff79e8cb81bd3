"""Studies that go wrong in every way: loaded by the worker in tests."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from telemetry_studies import Study, gauge, study


def one(name: str) -> Callable[[Callable[..., Any]], Study]:
    return study(window="5m", every="100ms", gauges=[gauge(name, "A value.")])


@one("raises_value")
def raises(trades: pd.DataFrame) -> dict[str, float]:
    return {"raises_value": 1 / (len(trades) - len(trades))}


@one("sleeps_value")
def sleeps(trades: pd.DataFrame) -> dict[str, float]:
    time.sleep(3600)
    return {"sleeps_value": float(len(trades))}


@one("allocates_value")
def allocates(trades: pd.DataFrame) -> dict[str, float]:
    return {"allocates_value": float(np.ones(2 * 2**30 // 8).sum() * len(trades))}


@one("exits_value")
def exits(trades: pd.DataFrame) -> dict[str, float]:
    os._exit(len(trades) and 3)


@one("prints_value")
def prints(trades: pd.DataFrame) -> dict[str, float]:
    for _ in range(100):
        print("x" * 1_000_000)  # noqa: T201 - that is what it does
    return {"prints_value": float(len(trades))}


@one("labels_value")
def labels(trades: pd.DataFrame) -> dict[str, float]:
    return {f"v{number}": float(len(trades)) for number in range(1_000_000)}


@one("text_value")
def text(trades: pd.DataFrame) -> dict[str, Any]:
    return {"text_value": "many" * len(trades)}


@one("nothing_value")
def nothing(trades: pd.DataFrame) -> None:
    del trades


@one("infinite_value")
def infinite(trades: pd.DataFrame) -> dict[str, float]:
    return {"infinite_value": float("inf") * len(trades)}


@one("undefined_value")
def undefined(trades: pd.DataFrame) -> dict[str, float]:
    return {"undefined_value": float("nan") * len(trades)}


@one("leaks_value")
def leaks(trades: pd.DataFrame) -> dict[str, float]:
    _KEPT.append(np.ones(4 * 2**20))  # 32 MB a call
    return {"leaks_value": float(len(trades))}


@one("good_value")
def good(trades: pd.DataFrame) -> dict[str, float]:
    return {"good_value": float(trades["qty"].sum())}


@one("counter_value")
def counter() -> Iterator[dict[str, float]]:
    calls = 0
    values: dict[str, float] = {}
    while True:
        yield values
        calls += 1
        values = {"counter_value": float(calls)}


_KEPT: list[Any] = []
