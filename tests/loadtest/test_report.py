"""What the report remarks about its own figures."""

from io import StringIO

import pytest
from hdrh.histogram import HdrHistogram
from rich.console import Console

from loadtest.latency import from_buckets
from loadtest.ledger import LoadLedger
from loadtest.options import Load
from loadtest.report import print_result
from loadtest.result import Result

BOUNDS_S = [0.001, 0.01, 0.1]


def histogram(ms: float, count: int = 100) -> HdrHistogram:
    return from_buckets(BOUNDS_S, [count if bound == ms / 1e3 else 0 for bound in BOUNDS_S])


def result(*, sender_ms: float = 1, all_ms: float = 100, seen: int = 100, interrupted: bool = False) -> Result:
    stages = {"client": histogram(sender_ms), "end_to_end": histogram(all_ms, seen)}
    return Result(
        load=Load(duration_s=30),
        span_s=7.0,
        drain_s=0.1,
        sender_cpu_s=1.0,
        messages=100,
        ledger=LoadLedger(sent=100, accepted=100, applied=100, refused=0, duplicate=0, lost=0),
        stages=stages | {"wire": histogram(1), "process": histogram(1)},
        usage=[],
        sent_seconds=[],
        moments=[],
        interrupted=interrupted,
    )


def report(found: Result) -> str:
    text = StringIO()
    print_result(Console(file=text, width=200), found)
    return text.getvalue()


@pytest.mark.parametrize(
    ("found", "remark"),
    [
        (result(interrupted=True), "Cut short: sent for 7.0 s of 30 s."),
        (result(sender_ms=100), "The sender was late itself"),
        (result(seen=130), "of 30 trades of others too"),
    ],
)
def test_the_report_says_what_its_figures_are_worth(found: Result, remark: str) -> None:
    assert remark in report(found)
    assert remark not in report(result())
