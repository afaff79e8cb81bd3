"""What studies cost the pipeline: its rate, its processor time and its memory, and p99 beside hostile ones.

Pipelines without and with studies take turns, in the other order each time. A rate is at the mercy of whatever else the
machine does; the processor time a trade is not, so both are reported.
"""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import psutil

from bench import macro, neighbours
from bench.figures import TargetCheck, at_least, at_most
from bench.paced import push_paced
from bench.peers import Bare, Pipe, process
from bench.pipeline import Pipeline, pipeline
from loadtest.options import Load
from loadtest.run import one_run

SYMBOLS = 200
RATE = 50_000.0
PACED_S, QUICK_PACED_S = 20.0, 5.0

OFF = {"ANALYTICS_STUDIES": "", "ANALYTICS_STUDIES_BUILTIN": "false"}
ON = {"ANALYTICS_STUDIES": "", "ANALYTICS_STUDIES_BUILTIN": "true"}
_NO_MODULE = "nothing_that_exists"
HOSTILE = {**OFF, "ANALYTICS_STUDIES": f"{Path(__file__).with_name('hostile_studies.py')} {_NO_MODULE}"}


@dataclass(slots=True)
class Side:
    """Without, or with studies; one figure each a repeat. Processor time is of ingest and analytics, µs a trade."""

    rate: list[float] = field(default_factory=list)
    """Trades a second, flat out."""
    cpu_us: list[float] = field(default_factory=list)
    paced_rate: list[float] = field(default_factory=list)
    """Trades a second of the 50,000 that were sent."""
    paced_cpu_us: list[float] = field(default_factory=list)
    paced_p99_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    """From sent to applied at 1,000 trades/s; with studies these are the hostile ones."""
    wrong_trades: int = 0
    """Trades that were not applied exactly once."""


@dataclass(slots=True)
class StudyCost:
    """Both sides, and the worker: processor time by time, runs, and skipped ones."""

    off: Side = field(default_factory=Side)
    on: Side = field(default_factory=Side)
    worker_cores: list[float] = field(default_factory=list)
    """While 50,000 trades/s came."""
    analytics_mb: list[float] = field(default_factory=list)
    """Resident memory of analytics with studies after each repeat."""
    worker_mb: list[float] = field(default_factory=list)
    runs: float = 0.0
    skipped: float = 0.0
    failures: float = 0.0
    """Of the hostile ones."""

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return asdict(self)


def measure(bare: Bare, *, repeats: int, trades: int, quick: bool, report: macro.Report) -> StudyCost:
    """Alternately without and with studies."""
    found = StudyCost()
    with ExitStack() as stack:
        off, on, hostile = (stack.enter_context(pipeline(settings=settings)) for settings in (OFF, ON, HOSTILE))
        client = stack.enter_context(process(push_paced))
        for number in range(repeats):
            sides = [(found.off, off, off), (found.on, on, hostile)]
            for side, tested, quiet in reversed(sides) if number % 2 else sides:
                _flat_out(side, tested, bare.pusher, trades)
                _paced(found, side, tested, QUICK_PACED_S if quick else PACED_S)
                side.p99_ms.append(neighbours.p99_ms(quiet, client))
            found.analytics_mb.append(on.rss_bytes()["analytics"] / 1e6)
            found.worker_mb.append(sum(map(_memory_bytes, _workers(on))) / 1e6)
            report(_shown(found))
        found.on.wrong_trades += _wrong(hostile, repeats * neighbours.MESSAGES)
        scrape = on.analytics()
        found.runs = scrape.total("telemetry_study_seconds_count")
        found.skipped = scrape.total("telemetry_study_skipped_total")
        found.failures = hostile.analytics().total("telemetry_study_failures_total")
    return found


def _flat_out(side: Side, tested: Pipeline, pusher: Pipe, trades: int) -> None:
    before_s = tested.cpu_s()
    side.rate.append(trades / tested.seconds(pusher, macro.order(tested.endpoint, "single", trades, SYMBOLS)))
    side.cpu_us.append((tested.cpu_s() - before_s) / trades * 1e6)


def _paced(found: StudyCost, side: Side, tested: Pipeline, seconds: float) -> None:
    before_s, worker_before_s = tested.cpu_s(), _worker_s(tested)
    result = one_run(tested.stack, Load(rate=RATE, duration_s=seconds, symbols=SYMBOLS), lambda _sent, _at_s: None)
    ledger = result.ledger
    side.paced_rate.append(result.applied_rate)
    side.paced_cpu_us.append((tested.cpu_s() - before_s) / ledger.sent * 1e6)
    side.paced_p99_ms.append(result.p99_ms or 0.0)
    side.wrong_trades += abs(ledger.unexplained) + ledger.lost + ledger.duplicate + ledger.refused
    if side is found.on:
        found.worker_cores.append((_worker_s(tested) - worker_before_s) / (result.span_s + result.drain_s))


def _workers(tested: Pipeline) -> list[psutil.Process]:
    """The fork server and the worker."""
    return psutil.Process(tested.stack.pids["analytics"]).children(recursive=True)


def _memory_bytes(one: psutil.Process) -> int:
    """Where the system says it, what two processes share is counted once."""
    used = one.memory_full_info()
    return int(getattr(used, "pss", used.rss))


def _worker_s(tested: Pipeline) -> float:
    times = [each.cpu_times() for each in _workers(tested)]
    return sum(each.user + each.system for each in times)


def _wrong(tested: Pipeline, sent: int) -> int:
    ingest, applied = tested.ingest(), tested.analytics().total("telemetry_applied_trades_total")
    counters = ("telemetry_source_lost_total", "telemetry_source_duplicate_total", "telemetry_refused_total")
    return round(abs(applied - sent) + sum(ingest.total(name) for name in counters))


def _shown(found: StudyCost) -> str:
    return (
        "; ".join(
            f"{name}: {side.rate[-1]:,.0f} trades/s, {side.cpu_us[-1]:.2f} µs; paced {side.paced_rate[-1]:,.0f}, "
            f"{side.paced_cpu_us[-1]:.2f} µs, p99 {side.paced_p99_ms[-1]:.1f} ms; quiet p99 {side.p99_ms[-1]:.2f} ms"
            for name, side in (("without", found.off), ("with", found.on))
        )
        + f"; worker {found.worker_cores[-1]:.2f} cores, {found.worker_mb[-1]:.0f} MB"
    )


def ratio_of(with_studies: list[float], without: list[float]) -> float:
    """The median of the repeats' ratios."""
    return median(ours / theirs for ours, theirs in zip(with_studies, without, strict=True))


def targets(found: StudyCost) -> list[TargetCheck]:
    """The pipeline hardly notices them."""
    on, off = found.on, found.off
    beside = f"with all built-in studies and {SYMBOLS} symbols"
    paced = ratio_of(on.paced_rate, off.paced_rate)
    return [
        at_least(f"rate {beside}, ratio to without", ratio_of(on.rate, off.rate), 0.95),
        at_most(f"processor time a trade {beside}, ratio to without", ratio_of(on.cpu_us, off.cpu_us), 1.05),
        at_least(f"rate at {RATE:,.0f} trades/s {beside}, ratio to without", paced, 0.95),
        at_most("processor time of the studies' worker, cores", max(found.worker_cores), 1.0),
        at_most("p99 at 1,000 trades/s beside hostile studies, ratio to without", ratio_of(on.p99_ms, off.p99_ms), 1.5),
        at_most("trades beside studies not applied exactly once", on.wrong_trades, 0, "{:,.0f}"),
    ]
