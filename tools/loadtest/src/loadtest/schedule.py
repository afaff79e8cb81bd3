"""When messages are due: an open model, so a slow pipeline does not slow the schedule down. Pure.

A schedule gives the due times of messages as offsets from the start, in nanoseconds, in pieces of at most `PIECE`.
"""

import gzip
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loadtest.options import Shape

Ints = npt.NDArray[np.int64]

PIECE = 1_024
"""Messages scheduled at once: a few milliseconds of work to encode."""

_EPOCH_NS_FROM = 10**14
"""A recorded time above this is in nanoseconds, below it in seconds."""


def constant(rate: float) -> Iterator[Ints]:
    """Equal gaps; `rate` in messages a second."""
    for first in count(0, PIECE):
        yield np.round(np.arange(first, first + PIECE) * (1e9 / rate)).astype(np.int64)


def poisson(rate: float, rng: np.random.Generator) -> Iterator[Ints]:
    """Independent arrivals: exponential gaps with a mean of 1 / rate seconds."""
    last = 0.0
    while True:
        times = last + np.cumsum(rng.exponential(1e9 / rate, PIECE))
        last = times[-1]
        yield np.round(times).astype(np.int64)


def burst(rate: float, arrivals_ns: Ints) -> Iterator[Ints]:
    """A recording's arrivals, sped up or slowed down to the mean rate, again and again.

    The gap between the last arrival and the first of the next round is the recording's mean gap.
    """
    gaps = np.maximum(np.diff(np.sort(arrivals_ns)).astype(np.float64), 0.0)
    round_ns = np.concatenate(([0.0], np.cumsum(gaps)))
    length_ns = round_ns[-1] + (gaps.mean() if gaps.size else 1.0)
    scale = (round_ns.size / length_ns) / (rate / 1e9)
    for begin in count():
        times = (round_ns + begin * length_ns) * scale
        for first in range(0, times.size, PIECE):
            yield np.round(times[first : first + PIECE]).astype(np.int64)


def schedule(shape: Shape, rate: float, *, duration_s: float, seed: int, arrivals_ns: Ints | None) -> Iterator[Ints]:
    """The due times up to the end, in nanoseconds after the start; `rate` in messages a second."""
    end_ns = round(duration_s * 1e9)
    for piece in _endless(shape, rate, seed, arrivals_ns):
        due = piece[piece < end_ns]
        if due.size:
            yield due
        if due.size < piece.size:
            return


def _endless(shape: Shape, rate: float, seed: int, arrivals_ns: Ints | None) -> Iterator[Ints]:
    if shape == "constant":
        return constant(rate)
    if shape == "poisson":
        return poisson(rate, np.random.default_rng(seed))
    if arrivals_ns is None or arrivals_ns.size < 2 or arrivals_ns.max() == arrivals_ns.min():  # noqa: PLR2004 - a gap
        raise ValueError("a burst needs a recording with at least two different arrival times")
    return burst(rate, arrivals_ns)


def read_arrivals(path: Path) -> Ints:
    """The arrival times in a recording, plain or gzip: the number at the start of each line, in epoch s or ns.

    Lines that begin with something else are passed over.
    """
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        times = [time for line in lines if (time := _leading_number(line)) is not None]
    return np.array([int(time if time > _EPOCH_NS_FROM else time * 1_000_000_000) for time in times], np.int64)


def _leading_number(line: str) -> Decimal | None:
    words = line.replace(":", " ", 1).split(maxsplit=1)
    try:
        return Decimal(words[0]) if words else None
    except InvalidOperation:
        return None
