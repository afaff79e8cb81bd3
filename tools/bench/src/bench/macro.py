"""The whole pipeline against bare pyzmq, and its cost by the number of symbols."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from statistics import median

from bench.figures import Compared, TargetCheck, at_least, at_most
from bench.peers import BATCH, Bare, Order
from bench.pipeline import Pipeline, pipeline

Report = Callable[[str], None]

TRADES = {"single": 1_000_000, "columns": 16_000 * BATCH}
"""Trades a run: about two seconds of work, so that its beginning and its end do not count for much."""

QUICK_TRADES = {"single": 100_000, "columns": 1_000 * BATCH}

SYMBOLS = (1, 10, 200)

_runs = count()


def compare(form: str, bare: Bare, tested: Pipeline, *, repeats: int, trades: int, report: Report) -> Compared:
    """Trades a second from the client into /metrics, and of the very same messages from one socket to another."""
    ours: list[float] = []
    limit: list[float] = []
    for _ in range(repeats):
        limit.append(trades / bare.seconds(order(bare.endpoint, form, trades)))
        ours.append(trades / tested.seconds(bare.pusher, order(tested.endpoint, form, trades)))
        report(f"{form}: {ours[-1]:,.0f} of {limit[-1]:,.0f} trades/s, {ours[-1] / limit[-1]:.2f}")
    return Compared(form, "trades/s", ours, limit)


def order(endpoint: str, form: str, trades: int, symbols: int = 10) -> Order:
    """Some trades for a pusher."""
    # A run of its own each time: numbers that had come before would be duplicates.
    return Order(endpoint, form, trades, symbols, f"run-{next(_runs)}")


def cost_by_symbols(bare: Bare, *, repeats: int, trades: int, report: Report) -> dict[str, list[float]]:
    """Processor time of both services a trade, in microseconds, by number of symbols; alternately.

    Each number of symbols has a pipeline of its own, as windows are kept for every symbol that was ever seen.
    """
    costs: dict[str, list[float]] = {str(symbols): [] for symbols in SYMBOLS}
    with ExitStack() as stack:
        pipelines = {symbols: stack.enter_context(pipeline()) for symbols in SYMBOLS}
        for _ in range(repeats):
            for symbols, each in pipelines.items():
                before_s = each.cpu_s()
                each.seconds(bare.pusher, order(each.endpoint, "single", trades, symbols))
                costs[str(symbols)].append((each.cpu_s() - before_s) / trades * 1e6)
                report(f"{symbols} symbols: {costs[str(symbols)][-1]:.2f} µs of processor a trade")
    return costs


def targets(single: Compared, columns: Compared) -> list[TargetCheck]:
    """What the pipeline must reach."""
    return [
        at_least("one JSON trade a message, ratio to bare PUSH → PULL", median(single.ratios), 0.5),
        at_least(f"columns of {BATCH}, trades/s", median(columns.ours), 1.5e6, "{:,.0f}"),
        at_least(f"columns of {BATCH}, ratio to bare PUSH → PULL", median(columns.ratios), 0.3),
    ]


def symbol_targets(costs: dict[str, list[float]]) -> list[TargetCheck]:
    """A trade costs the same, whatever the number of symbols."""
    few, many = median(costs[str(SYMBOLS[0])]), median(costs[str(SYMBOLS[-1])])
    return [at_most("cost of a trade with 200 symbols, ratio to 1 symbol", many / few, 1.25)]
