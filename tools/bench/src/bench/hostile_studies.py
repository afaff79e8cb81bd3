"""Studies that do what no study should, loaded by the worker of the pipeline under test; nothing here imports it."""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from telemetry_studies import Study, gauge, study


def _of(name: str) -> Callable[[Callable[..., Any]], Study]:
    return study(window="1m", every="1s", gauges=[gauge(f"hostile_{name}", "Nothing of use.")])


@_of("raises")
def raises(trades: pd.DataFrame) -> dict[str, float]:
    """Divides by zero."""
    return {"hostile_raises": 1 / (len(trades) - len(trades))}


@_of("sleeps")
def sleeps(trades: pd.DataFrame) -> dict[str, float]:
    """Never answers."""
    time.sleep(3600)
    return {"hostile_sleeps": float(len(trades))}


@_of("allocates")
def allocates(trades: pd.DataFrame) -> dict[str, float]:
    """Wants 2 GB."""
    return {"hostile_allocates": float(np.ones(2**28).sum() * len(trades))}


@_of("exits")
def exits(trades: pd.DataFrame) -> dict[str, float]:
    """Ends its process."""
    os._exit(len(trades) and 3)


@_of("prints")
def prints(trades: pd.DataFrame) -> dict[str, float]:
    """Prints 100 MB."""
    for _ in range(100):
        print("x" * 1_000_000)
    return {"hostile_prints": float(len(trades))}


@_of("labels")
def labels(trades: pd.DataFrame) -> dict[str, float]:
    """Returns a million values that it did not declare."""
    return {f"v{number}": float(len(trades)) for number in range(1_000_000)}


@_of("imports")
def imports(trades: pd.DataFrame) -> dict[str, float]:
    """Imports what is not there."""
    import nothing_that_exists  # type: ignore[import-not-found]  # noqa: PLC0415 - that is what it does

    return {"hostile_imports": float(nothing_that_exists.value(trades))}


@study(window="1m", every="1s", gauges=[gauge("hostile_values", "Nothing of use.", label="x")])
def values(trades: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Returns a million values of its label."""
    return {"hostile_values": {str(number): float(len(trades)) for number in range(1_000_000)}}
