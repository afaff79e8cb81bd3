"""The microstructure set computed again, trade by trade in plain Python: another way to the same numbers."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SECOND = 1_000_000_000


class Print(NamedTuple):
    """One trade; `sign` is +1 where the taker bought."""

    at_ns: int
    price: float
    qty: float
    sign: int


def twap(prints: Sequence[Print], end_ns: int) -> float:
    ends = [each.at_ns for each in prints[1:]] + [end_ns]
    held = [end - each.at_ns for each, end in zip(prints, ends, strict=True)]
    return math.fsum(each.price * span for each, span in zip(prints, held, strict=True)) / math.fsum(held)


def closes(prints: Sequence[Print], cell_ns: int) -> list[float]:
    last = {each.at_ns // cell_ns: each.price for each in prints}
    price, filled = math.nan, []
    for cell in range(min(last), max(last) + 1):
        price = last.get(cell, price)
        filled.append(price)
    return filled


def returns(prices: Sequence[float]) -> list[float]:
    return [math.log(after / before) for before, after in pairwise(prices)]


def realised_variance(prints: Sequence[Print]) -> float:
    return math.fsum(each**2 for each in returns(closes(prints, SECOND)))


def bipower_variation(prints: Sequence[Print]) -> float:
    steps = returns(closes(prints, SECOND))
    n = len(steps)
    return math.pi / 2 * n / (n - 1) * math.fsum(abs(a) * abs(b) for a, b in pairwise(steps))


def jump_share(prints: Sequence[Print]) -> float:
    realised = realised_variance(prints)
    return max(realised - bipower_variation(prints), 0.0) / realised


def large_share(prints: Sequence[Print], multiple: float = 5.0) -> float:
    total = math.fsum(each.qty for each in prints)
    large = math.fsum(each.qty for each in prints if each.qty >= multiple * total / len(prints))
    return large / total


def vpin(prints: Sequence[Print], buckets: int = 50) -> float:
    """Fills buckets one after the other, splitting the trade that fills one."""
    size = math.fsum(each.qty for each in prints) / buckets
    imbalances: list[float] = []
    room, balance = size, 0.0
    for each in prints:
        left = each.qty
        while left > 0:
            part = min(left, room)
            balance, left, room = balance + each.sign * part, left - part, room - part
            if room <= size * 1e-12:
                imbalances.append(abs(balance))
                room, balance = size, 0.0
    if len(imbalances) < buckets:
        imbalances.append(abs(balance))
    return math.fsum(imbalances) / (buckets * size)


def sign_autocorrelation(prints: Sequence[Print], lag: int) -> float:
    signs = [each.sign for each in prints]
    mean = math.fsum(signs) / len(signs)
    spread = math.fsum((sign - mean) ** 2 for sign in signs)
    return math.fsum((a - mean) * (b - mean) for a, b in zip(signs, signs[lag:], strict=False)) / spread


def roll_spread(prints: Sequence[Print]) -> float:
    changes = [after.price - before.price for before, after in pairwise(prints)]
    late, early = changes[1:], changes[:-1]
    late_mean, early_mean = math.fsum(late) / len(late), math.fsum(early) / len(early)
    products = ((a - late_mean) * (b - early_mean) for a, b in zip(late, early, strict=True))
    covariance = math.fsum(products) / (len(late) - 1)
    return 2 * math.sqrt(-covariance) if covariance < 0 else math.nan


def by_cell(prints: Sequence[Print], cell_ns: int) -> tuple[list[float], list[float]]:
    """Signed quantity and absolute notional of each cell, the first one first."""
    signed: dict[int, float] = defaultdict(float)
    notional: dict[int, float] = defaultdict(float)
    for each in prints:
        signed[each.at_ns // cell_ns] += each.sign * each.qty
        notional[each.at_ns // cell_ns] += abs(each.price) * each.qty
    cells = range(min(signed), max(signed) + 1)
    return [signed[cell] for cell in cells], [notional[cell] for cell in cells]


def kyle_lambda(prints: Sequence[Print]) -> float:
    flow = by_cell(prints, SECOND)[0][1:]
    changes = [after - before for before, after in pairwise(closes(prints, SECOND))]
    flow_mean, change_mean = math.fsum(flow) / len(flow), math.fsum(changes) / len(changes)
    above = math.fsum((c - change_mean) * (f - flow_mean) for c, f in zip(changes, flow, strict=True))
    return above / math.fsum((f - flow_mean) ** 2 for f in flow)


def amihud(prints: Sequence[Print]) -> float:
    steps = returns(closes(prints, 10 * SECOND))
    notional = by_cell(prints, 10 * SECOND)[1][1:]
    ratios = [abs(step) / value for step, value in zip(steps, notional, strict=True) if value > 0]
    return math.fsum(ratios) / len(ratios)


def arrivals(prints: Sequence[Print]) -> tuple[float, float]:
    gaps = [(after.at_ns - before.at_ns) / 1e9 for before, after in pairwise(prints)]
    mean = math.fsum(gaps) / len(gaps)
    return mean, math.fsum((gap - mean) ** 2 for gap in gaps) / len(gaps) / mean**2


def bar(prints: Sequence[Print], begin_ns: int, end_ns: int) -> tuple[float, float, float, float, float]:
    inside = [each for each in prints if begin_ns <= each.at_ns < end_ns]
    prices = [each.price for each in inside]
    return prices[0], max(prices), min(prices), prices[-1], math.fsum(each.qty for each in inside)
