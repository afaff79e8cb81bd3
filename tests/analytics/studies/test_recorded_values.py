"""The values in docs/studies.md are those that the service's own caller finds on the recorded trades.

`UPDATE_DOCS=1 pytest` on this file writes them anew.
"""

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from analytics.studies.runner.calls import Caller
from analytics.studies.runner.frames import FrameMaker
from analytics.studies.runner.loading import Library
from tests.analytics.batches import SECOND
from tests.analytics.studies import reference
from tests.analytics.studies.recorded import framed, recorded
from tests.analytics.studies.reference import Print

DOCS = Path(__file__).parents[3] / "docs" / "studies.md"
DAY = 86_400 * SECOND
BARS = {"1s": SECOND, "1m": 60 * SECOND, "5m": 300 * SECOND}
VALUE = -2
"""The cell of a row that has the value; the last one has the source."""


@pytest.fixture(scope="module")
def prints() -> list[Print]:
    return recorded()


@pytest.fixture(scope="module")
def values(prints: list[Print]) -> dict[str, dict[str, float]]:
    """By gauge and label: what the built-in studies find, looked at once before midnight and once at the end."""
    library = Library()
    library.load([], builtin=True)
    caller = Caller(library, FrameMaker(memoryview(b"")), {})
    midnight = prints[-1].at_ns // DAY * DAY
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for part in ([each for each in prints if each.at_ns < midnight], prints):
        for study in library.studies:
            result = caller.run(study, {"A": framed(part)})
            assert result.reason is None, result.text
            for gauge, label, value in result.values:
                found[gauge][label] = value
    return found


def recomputed(prints: list[Print]) -> dict[str, dict[str, float]]:
    """The same, trade by trade in plain Python."""
    end_ns = prints[-1].at_ns
    last = [each for each in prints if each.at_ns >= end_ns - 300 * SECOND]
    mean, dispersion = reference.arrivals(last)
    bars = {
        label: reference.bar(prints, end_ns // span * span - span, end_ns // span * span)
        for label, span in BARS.items()
    }
    one = {
        "twap": reference.twap(last, end_ns),
        "cvd": sum(each.sign * each.qty for each in prints if each.at_ns >= end_ns // DAY * DAY),
        "realised_variance": reference.realised_variance(last),
        "bipower_variation": reference.bipower_variation(last),
        "jump_share_ratio": reference.jump_share(last),
        "large_trade_volume_ratio": reference.large_share(last),
        "vpin_ratio": reference.vpin(prints),
        "roll_spread": reference.roll_spread(last),
        "kyle_lambda": reference.kyle_lambda(last),
        "amihud_illiquidity": reference.amihud(last),
        "interarrival_mean_seconds": mean,
        "interarrival_dispersion_ratio": dispersion,
    }
    return {
        **{gauge: {"": value} for gauge, value in one.items()},
        "sign_autocorrelation_ratio": {str(lag): reference.sign_autocorrelation(last, lag) for lag in (1, 5, 10)},
        **{
            f"bar_{what}": {label: bar[number] for label, bar in bars.items()}
            for number, what in enumerate(("open", "high", "low", "close", "volume"))
        },
    }


def test_every_value_of_the_set_equals_the_second_computation(
    prints: list[Print], values: dict[str, dict[str, float]]
) -> None:
    again = recomputed(prints)
    assert set(values) == set(again)
    for gauge, by_label in again.items():
        assert values[gauge] == pytest.approx(by_label, rel=1e-9), gauge


def test_the_table_in_the_docs_has_these_values(values: dict[str, dict[str, float]]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    renewed = "\n".join(renewed_row(line, values) for line in text.split("\n"))
    if os.environ.get("UPDATE_DOCS"):
        DOCS.write_text(renewed, encoding="utf-8")
    assert text == renewed
    missing = [gauge for gauge in values if not re.search(rf"^\|[^|]*\| `{gauge}", text, re.MULTILINE)]
    assert missing == []


def renewed_row(line: str, values: dict[str, dict[str, float]]) -> str:
    """A row of the table with its gauge's value; any other line as it is."""
    gauge = re.match(r"\|[^|]*\| `(\w+)", line)
    if gauge is None or gauge[1] not in values:
        return line
    cells = line.split(" | ")
    cells[VALUE] = ", ".join(f"{value:.8g}" for value in values[gauge[1]].values())
    return " | ".join(cells)
