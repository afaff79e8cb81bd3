"""The load test, from the command line to the exit code."""

import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from loadtest.annotate import annotate
from loadtest.environment import settings, target_of
from loadtest.options import Options, check_outputs, parse
from loadtest.report import print_result
from loadtest.result import Result
from loadtest.run import RunError, one_run
from loadtest.schedule import read_arrivals
from loadtest.scrape import AwayError
from loadtest.search import find_max
from loadtest.stack import Stack, StackError, find_or_start

KEPT_UP_RATIO = 0.98
"""A step of --max fails if less than this share of the rate was sent: then the rate was not what was measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the load test.

    Returns:
        0 if every trade is accounted for and none lost, 1 if not, or if there was nothing to load.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments, target_of(settings(Path.cwd())))
    console = Console()
    try:
        check_outputs(options)
        if options.load.pattern is not None:
            read_arrivals(options.load.pattern)
        with find_or_start(options.target, console.print) as stack:
            return _load(options, stack, console)
    except (AwayError, OSError, RunError, StackError, ValueError) as error:
        console.print(f"[red]loadtest: {error}[/]", markup=True, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("[yellow]Interrupted before anything was sent.[/]")
        return 1


def _load(options: Options, stack: Stack, console: Console) -> int:
    target, load = stack.target, options.load
    what = f"load test: {'up to the limit, from' if options.find_max else ''} {load.rate:,.0f} trades/s, {load.form}"
    annotate(target.grafana_url, f"{what} begins", at_ns=time.time_ns())
    try:
        results = _search(options, stack, console) if options.find_max else [_step(stack, options, console)]
    finally:
        annotate(target.grafana_url, f"{what} ends", at_ns=time.time_ns())
    # After a search the last result is that of the highest rate that passed, if any did.
    last = results[-1]
    print_result(console, last)
    if options.json is not None:
        options.json.write_text(json.dumps(_report(options, stack, results), indent=2) + "\n")
    if options.plot is not None:
        # Imported late: each sender process imports this file anew, and matplotlib takes a second.
        from loadtest.plot import draw  # noqa: PLC0415 - as said

        draw(last, options.plot)
    return 0 if last.ledger.good and (not options.find_max or _passes(last, options)) else 1


def _step(stack: Stack, options: Options, console: Console) -> Result:
    load = options.load
    total = load.rate * load.duration_s
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"{load.rate:,.0f} trades/s", total=total, speed="")
        before = [0, 0.0]

        def show(sent: int, at_s: float) -> None:
            speed = (sent - before[0]) / max(at_s - before[1], 1e-3)
            before[:] = sent, at_s
            progress.update(bar, completed=sent, speed=f"{sent:,} sent, {speed:,.0f}/s now")

        return one_run(stack, load, show)


def _search(options: Options, stack: Stack, console: Console) -> list[Result]:
    tried: list[Result] = []

    def attempt(rate: float) -> bool:
        if tried and tried[-1].interrupted:
            return False
        result = _step(stack, replace(options, load=replace(options.load, rate=rate)), console)
        tried.append(result)
        good = _passes(result, options)
        p99 = "–" if result.p99_ms is None else f"{result.p99_ms:,.1f} ms"
        console.print(
            f"{rate:>12,.0f} trades/s: sent {result.sent_rate:,.0f}, p99 {p99}, lost {result.ledger.lost:,} "
            f"→ {'[green]holds[/]' if good else '[red]fails[/]'}{_blame(result)}",
            highlight=False,
        )
        return good

    best = find_max(attempt, options.load.rate)
    if best is None:
        console.print(f"No rate holds p99 under {options.p99_budget_ms:g} ms.")
    else:
        console.print(f"Highest rate that holds p99 under {options.p99_budget_ms:g} ms: [bold]{best:,.0f} trades/s[/]")
    if any(result.sender_was_late for result in tried if not _passes(result, options)):
        console.print("[yellow]The sender was late itself where it failed: this is its limit, not the stack's.[/]")
    return sorted(tried, key=lambda result: result.load.rate == best)


def _blame(result: Result) -> str:
    return ", the sender was late itself" if result.sender_was_late else ""


def _passes(result: Result, options: Options) -> bool:
    in_time = result.p99_ms is not None and result.p99_ms <= options.p99_budget_ms
    kept_up = result.sent_rate >= KEPT_UP_RATIO * result.load.rate
    return in_time and kept_up and result.ledger.good and not result.interrupted


def _report(options: Options, stack: Stack, results: list[Result]) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "python": platform.python_version()},
        "own_stack": stack.is_own,
        "p99_budget_ms": options.p99_budget_ms if options.find_max else None,
        "max_rate": results[-1].load.rate if options.find_max and _passes(results[-1], options) else None,
        "results": [result.as_dict() for result in results],
    }
