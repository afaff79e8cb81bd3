"""What studies cost the pipeline: its rate with all built-in ones and 200 symbols, and p99 beside hostile ones."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import macro, neighbours
from bench.figures import TargetCheck, at_least, at_most
from bench.paced import push_paced
from bench.peers import Bare, process
from bench.pipeline import Pipeline, pipeline

SYMBOLS = 200
OFF = {"ANALYTICS_STUDIES": "", "ANALYTICS_STUDIES_BUILTIN": "false"}
ON = {"ANALYTICS_STUDIES": "", "ANALYTICS_STUDIES_BUILTIN": "true"}
HOSTILE = {**OFF, "ANALYTICS_STUDIES": str(Path(__file__).with_name("hostile_studies.py"))}


@dataclass(frozen=True, slots=True)
class StudyCost:
    """One figure each a repeat: trades a second, and p99 from sent to applied at 1,000 trades/s in milliseconds."""

    rate_off: list[float]
    rate_on: list[float]
    p99_off_ms: list[float]
    p99_hostile_ms: list[float]
    runs: float
    """Runs of built-in studies in the whole measurement."""
    worker_s: float
    """Seconds that they took."""
    failures: float
    """Failures of the hostile ones."""

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return asdict(self)


def measure(bare: Bare, *, repeats: int, trades: int, report: macro.Report) -> StudyCost:
    """Alternately without and with studies."""
    rates: tuple[list[float], list[float]] = ([], [])
    p99s: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        off, on, hostile = (stack.enter_context(pipeline(settings=settings)) for settings in (OFF, ON, HOSTILE))
        client = stack.enter_context(process(push_paced))
        for _ in range(repeats):
            for found, tested in zip(rates, (off, on), strict=True):
                found.append(
                    trades / tested.seconds(bare.pusher, macro.order(tested.endpoint, "single", trades, SYMBOLS))
                )
            for found, tested in zip(p99s, (off, hostile), strict=True):
                found.append(neighbours.p99_ms(tested, client))
            report(
                f"{rates[0][-1]:,.0f} without, {rates[1][-1]:,.0f} with studies; "
                f"p99 {p99s[0][-1]:.2f} without, {p99s[1][-1]:.2f} ms with hostile ones"
            )
        runs, worker_s = _runs(on)
        failures = hostile.analytics().total("telemetry_study_failures_total")
    return StudyCost(*rates, *p99s, runs, worker_s, failures)


def _runs(tested: Pipeline) -> tuple[float, float]:
    scrape = tested.analytics()
    return scrape.total("telemetry_study_seconds_count"), scrape.total("telemetry_study_seconds_sum")


def targets(found: StudyCost) -> list[TargetCheck]:
    """The pipeline hardly notices them."""
    ratios = [with_studies / without for with_studies, without in zip(found.rate_on, found.rate_off, strict=True)]
    slower = [hostile / alone for hostile, alone in zip(found.p99_hostile_ms, found.p99_off_ms, strict=True)]
    return [
        at_least(f"rate with all built-in studies and {SYMBOLS} symbols, ratio to without", median(ratios), 0.95),
        at_most("p99 at 1,000 trades/s beside hostile studies, ratio to without", median(slower), 1.5),
    ]
