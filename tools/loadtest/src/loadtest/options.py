"""What a load test is asked to do, and how that is said on the command line."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Form = Literal["single", "columns"]
Shape = Literal["constant", "poisson", "burst"]

MAX_BATCH_TRADES = 4_096
"""A columnar message of this many trades is still well below ingest's limit of 1 MiB."""


@dataclass(frozen=True, slots=True)
class Load:
    """The trades that are sent. `rate` is in trades a second, all senders together; `duration_s` in seconds."""

    rate: float = 10_000.0
    duration_s: float = 10.0
    senders: int = 1
    symbols: int = 10
    form: Form = "single"
    batch: int = 256
    shape: Shape = "constant"
    pattern: Path | None = None
    seed: int = 1

    @property
    def trades_a_message(self) -> int:
        """How many trades travel in one message."""
        return self.batch if self.form == "columns" else 1


@dataclass(frozen=True, slots=True)
class Target:
    """Where the trades go, and where the services count their outcomes."""

    endpoint: str = "tcp://127.0.0.1:5555"
    ingest_url: str = "http://127.0.0.1:8000"
    analytics_url: str = "http://127.0.0.1:8001"
    grafana_url: str = "http://127.0.0.1:3000"
    own_stack: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """All of it. `p99_budget_ms` is in milliseconds, from the due time of a trade until it is applied."""

    load: Load
    target: Target
    find_max: bool = False
    p99_budget_ms: float = 50.0
    json: Path | None = None
    plot: Path | None = None


def check_outputs(options: Options) -> None:
    """Whether the report and the plot can be written, asked before the run.

    Raises:
        OSError: a folder is missing or not writable, or a folder is where the file should go.
    """
    for path in (options.json, options.plot):
        if path is not None:
            existed = path.exists()
            with path.open("ab"):
                pass
            if not existed:
                path.unlink()


def parse(arguments: Sequence[str], target: Target | None = None) -> Options:
    """The options, where none is given those of `target`; wrong ones end the program with exit code 2."""
    parser = _parser(target or Target())
    given = parser.parse_args(arguments)
    if given.shape == "burst" and given.pattern is None:
        parser.error("--shape burst needs --pattern FILE, a recording whose arrival times are repeated")
    return Options(
        load=Load(**{name: getattr(given, name) for name in Load.__slots__}),
        target=Target(**{name: getattr(given, name) for name in Target.__slots__}),
        find_max=given.find_max,
        p99_budget_ms=given.p99_budget_ms,
        json=given.json,
        plot=given.plot,
    )


def _parser(target: Target) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loadtest",
        description="Sends trades on a schedule and accounts for each. Exit code 1 unless all are accounted "
        "for and none is lost.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_load(parser.add_argument_group("what is sent"))
    where = parser.add_argument_group("where it goes")
    where.add_argument("--endpoint", default=target.endpoint, help="ingest's PULL endpoint")
    where.add_argument("--ingest-url", default=target.ingest_url, help="ingest's metrics")
    where.add_argument("--analytics-url", default=target.analytics_url, help="analytics' metrics")
    where.add_argument("--grafana-url", default=target.grafana_url, help="where start and end are annotated")
    where.add_argument("--own-stack", action="store_true", help="start a stack even where one answers")
    result = parser.add_argument_group("what is found")
    result.add_argument("--max", dest="find_max", action="store_true", help="find the highest rate within the budget")
    result.add_argument(
        "--p99-budget-ms", type=_above(float, 0), default=50.0, help="p99 from due to applied, for --max"
    )
    result.add_argument("--json", type=Path, help="write the report there")
    result.add_argument("--plot", type=Path, help="draw latency over time and its distribution there (PNG)")
    return parser


def _add_load(group: "argparse._ArgumentGroup") -> None:
    load = Load()
    group.add_argument("--rate", type=_above(float, 0), default=load.rate, help="trades a second; where --max starts")
    group.add_argument(
        "--duration", dest="duration_s", type=_above(float, 0), default=load.duration_s, help="seconds, of each step"
    )
    group.add_argument("--senders", type=_above(int, 0), default=load.senders, help="processes that share the rate")
    group.add_argument("--symbols", type=_above(int, 0), default=load.symbols, help="different symbols")
    group.add_argument("--form", choices=get_args(Form), default=load.form, help="one trade a message, or columns")
    group.add_argument(
        "--batch", type=_above(int, 0, MAX_BATCH_TRADES), default=load.batch, help="trades a message, with columns"
    )
    group.add_argument("--shape", choices=get_args(Shape), default=load.shape, help="how due times are spread")
    group.add_argument("--pattern", type=Path, help="recording for --shape burst: a time at the start of each line")
    group.add_argument("--seed", type=int, default=load.seed, help="of prices, sizes and the Poisson process")


class _above:  # noqa: N801 - used like a function, and argparse shows its name
    """A number above `least`, at most `most`."""

    def __init__(self, kind: type[int] | type[float], least: float, most: float = sys.float_info.max) -> None:
        self._kind, self._least, self._most = kind, least, most

    def __call__(self, text: str) -> float:
        try:
            value = self._kind(text)
        except ValueError:
            value = self._kind(-1)
        if not self._least < value <= self._most:
            most = f" and at most {self._most:g}" if self._most < sys.float_info.max else ""
            kind = "whole number" if self._kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {kind} above {self._least:g}{most}")
        return value
