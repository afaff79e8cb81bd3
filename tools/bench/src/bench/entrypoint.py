"""The benchmarks, from the command line to the JSON file and the table."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import durability, endurance, macro, micro, neighbours, order_rate, orders, paced, scrapes, soak, studies
from bench.figures import TargetCheck
from bench.machine import describe
from bench.merging import merged
from bench.peers import bare
from bench.pipeline import pipeline
from bench.table import table, with_notes

PARTS = (
    "micro",
    "scrapes",
    "orders",
    "macro",
    "symbols",
    "paced",
    "neighbours",
    "studies",
    "durability",
    "endurance",
    "soak",
)
USUAL_PARTS = PARTS[:-1]
"""All but ten minutes of soaking."""

QUICK_PARTS = ("micro", "scrapes", "macro", "paced")

REPEATS, QUICK_REPEATS = 7, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks; missed targets are shown, but do not fail the run."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    if options.from_json is not None:
        found = merged([json.loads(path.read_text()) for path in options.from_json])
    else:
        console = Console(stderr=True, highlight=False)
        found = _measure(options, console.print)
        found["command"] = _command(options)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    text = table(found)
    if options.table is not None:
        options.table.write_text(with_notes(text, options.table))
    print(text)
    return 0


def _command(options: argparse.Namespace) -> str:
    """What makes the same figures again; where they are written to does not matter."""
    said = ["--quick"] if options.quick else []
    said += [f"--parts {' '.join(options.parts)}"] if options.parts else []
    said += [f"--repeats {options.repeats}"] if options.repeats else []
    return "make bench" + (f' ARGS="{" ".join(said)}"' if said else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="The pipeline, step by step and as a whole, next to its limits."
    )
    parser.add_argument("--quick", action="store_true", help="fewer parts and repeats, under a minute")
    parser.add_argument("--parts", nargs="+", choices=PARTS, metavar="PART", help=f"only these: {' '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, help=f"of each figure; default {REPEATS}, with --quick {QUICK_REPEATS}")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--table", type=Path, help="write the table there (docs/performance.md)")
    parser.add_argument(
        "--from-json",
        type=Path,
        nargs="+",
        help="measure nothing: one table of earlier runs",
    )
    return parser


def _measure(options: argparse.Namespace, report: Callable[[str], None]) -> dict[str, object]:
    parts = options.parts or (QUICK_PARTS if options.quick else USUAL_PARTS)
    repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS)
    found: dict[str, object] = {"machine": describe(), "repeats": repeats, "quick": options.quick}
    targets: list[TargetCheck] = []
    for part in parts:
        report(f"[bold]{part}[/]")
        figures, its_targets = _PARTS[part](repeats, options.quick, report)
        found[part] = figures
        targets += its_targets
    found["targets"] = [asdict(target) for target in targets]
    return found


Part = Callable[[int, bool, macro.Report], tuple[object, list[TargetCheck]]]


def _micro(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: ARG001, FBT001 - a Part
    steps = micro.steps(repeats=3 * repeats)
    return [step.as_dict() for step in steps], micro.targets(steps)


def _scrapes(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: ARG001, FBT001 - a Part
    looks = scrapes.measure(repeats=3 * repeats)
    return [look.as_dict() for look in looks], scrapes.targets(looks)


def _orders(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    found = orders.measure(repeats=repeats)
    rate = order_rate.measure(seconds=order_rate.QUICK_SECONDS if quick else order_rate.SECONDS, report=report)
    return {**found.as_dict(), "rate": rate.as_dict()}, [*orders.targets(found), *order_rate.targets(rate)]


def _macro(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    trades = macro.QUICK_TRADES if quick else macro.TRADES
    with ExitStack() as stack:
        limit, tested = stack.enter_context(bare()), stack.enter_context(pipeline())
        single, columns = (
            macro.compare(form, limit, tested, repeats=repeats, trades=trades[form], report=report)
            for form in ("single", "columns")
        )
    return [single.as_dict(), columns.as_dict()], macro.targets(single, columns)


def _symbols(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    trades = (macro.QUICK_TRADES if quick else macro.TRADES)["single"]
    with bare() as limit:
        costs = macro.cost_by_symbols(limit, repeats=repeats, trades=trades, report=report)
    return costs, macro.symbol_targets(costs)


def _paced(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    rates = paced.QUICK_RATES if quick else paced.RATES
    measured = [paced.measure(rate, repeats=max(3, repeats // 2), quick=quick, report=report) for rate in rates]
    return [each.as_dict() for each in measured], paced.targets(measured)


def _neighbours(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: ARG001, FBT001 - a Part
    found = neighbours.measure(repeats=max(3, repeats // 2), report=report)
    return found.as_dict(), neighbours.targets(found)


def _studies(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    trades = (macro.QUICK_TRADES if quick else macro.TRADES)["single"]
    with bare() as limit:
        found = studies.measure(limit, repeats=repeats, trades=trades, quick=quick, report=report)
    return found.as_dict(), studies.targets(found)


def _durability(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: FBT001 - a Part
    with bare() as limit:
        found = durability.measure(limit, repeats=repeats, quick=quick, report=report)
    return found.as_dict(), durability.targets(found)


def _endurance(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: ARG001, FBT001 - a Part
    found = endurance.measure(report=report)
    return found.as_dict(), endurance.targets(found)


def _soak(repeats: int, quick: bool, report: macro.Report) -> tuple[object, list[TargetCheck]]:  # noqa: ARG001, FBT001 - a Part
    found = soak.measure(soak.QUICK_MINUTES if quick else soak.MINUTES, report=report)
    return found.as_dict(), soak.targets(found)


_PARTS: dict[str, Part] = {
    "micro": _micro,
    "scrapes": _scrapes,
    "orders": _orders,
    "macro": _macro,
    "symbols": _symbols,
    "paced": _paced,
    "neighbours": _neighbours,
    "studies": _studies,
    "durability": _durability,
    "endurance": _endurance,
    "soak": _soak,
}
