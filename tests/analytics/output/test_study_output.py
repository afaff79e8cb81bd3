"""What the metrics and the page are given of the studies."""

from typing import Any

import pytest

from analytics.output.exposition import Family, text
from analytics.output.study_metrics import StudyMetrics
from analytics.output.study_views import MAX_SUBJECTS, studies_state
from analytics.studies.protocol import GaugeSpec, LoadProblem
from analytics.studies.results import STALE_NS, StudyResults
from analytics.studies.schedule import Subject
from tests.analytics.studies.test_schedule import spec
from tests.helpers.services import Metrics

S = 1_000_000_000


class _Supervisor:
    starts = 3


class FakeStudies:
    """Two studies with results; no worker."""

    def __init__(self) -> None:
        self.results = StudyResults(max_series=1_000)
        bars = [GaugeSpec("close", "Last price.", "bar", 3)]
        self.results.load([spec("one"), spec("bars", gauges=bars)], [LoadProblem("a.py:3", "SyntaxError: no")])
        self.supervisor = _Supervisor()
        self.now_ns = 0

    def put(self, study: str, symbol: str, *values: tuple[str, str, float]) -> None:
        assert self.results.put(study, Subject(symbol, "market"), values, self.now_ns)

    def is_disabled(self, study: str) -> bool:
        return study == "bars"

    def skipped(self) -> dict[str, int]:
        return {"one": 7}

    def monotonic_ns(self) -> int:
        return self.now_ns


@pytest.fixture
def studies() -> Any:  # noqa: ANN401 - it stands for `Studies`
    return FakeStudies()


def metrics(studies: Any) -> Metrics:  # noqa: ANN401 - as above
    return Metrics("".join(map(text, StudyMetrics(studies).families())))


def test_values_have_their_symbol_origin_and_label(studies: Any) -> None:  # noqa: ANN401
    studies.put("one", 'A "{}"', ("g", "", 1.5))
    studies.put("bars", "B", ("close", "1s", 2.0), ("close", "1m", 3.0))
    found = metrics(studies)
    assert found.value("trading_study_g", symbol='A "{}"', origin="market") == 1.5
    assert found.value("trading_study_close", symbol="B", origin="market", bar="1m") == 3.0
    assert found.total("trading_study_close") == 5.0


def test_labels_are_made_once_and_anew_only_where_series_come_or_go(studies: Any) -> None:  # noqa: ANN401
    shown = StudyMetrics(studies)

    def close() -> Family:
        return next(family for family in shown.families() if family.name == "trading_study_close")

    for symbol in "AB":
        studies.put("bars", symbol, ("close", "1s", 1.0))
    first = close()
    for symbol in "BA":
        studies.put("bars", symbol, ("close", "1s", float(ord(symbol))))
    again = close()
    assert again.series is first.series
    assert list(again.values) == [65.0, 66.0]
    studies.put("bars", "A", ("close", "1m", 3.0))
    assert Metrics(text(close())).value("trading_study_close", symbol="A", origin="market", bar="1m") == 3.0
    studies.put("bars", "A")
    assert list(close().values) == [66.0]
    renamed = [GaugeSpec("close", "Last price.", "span", 3)]
    studies.results.load([spec("bars", gauges=renamed)], [])
    assert Metrics(text(close())).value("trading_study_close", symbol="B", origin="market", span="1s") == 66.0


def test_health_is_told_also_of_studies_that_have_not_run(studies: Any) -> None:  # noqa: ANN401
    studies.results.note_cost("one", 0.0004)
    studies.results.note_failure("bars", "raised", "ZeroDivisionError")
    found = metrics(studies)
    assert found.value("telemetry_study_healthy", study="one") == 1
    assert found.value("telemetry_study_healthy", study="bars") == 0
    assert found.value("telemetry_study_failures_total", study="bars", reason="raised") == 1
    assert found.value("telemetry_study_seconds_bucket", study="one", le="0.0005") == 1
    assert found.value("telemetry_study_skipped_total", study="one") == 7
    assert (found.total("telemetry_study_worker_starts_total"), found.total("telemetry_study_unusable_files")) == (3, 1)


def test_values_of_a_symbol_that_does_not_trade_any_more_are_dropped(studies: Any) -> None:  # noqa: ANN401
    studies.put("one", "OLD", ("g", "", 1.0))
    studies.now_ns = STALE_NS
    studies.put("one", "NEW", ("g", "", 2.0))
    assert metrics(studies).total("trading_study_g") == 3.0
    studies.now_ns += 1
    assert [one.symbol for one in studies_state(studies, run="r", at_ns=1).values] == ["NEW"]
    assert metrics(studies).total("trading_study_g") == 2.0


def test_the_page_is_sent_the_symbols_that_were_looked_at_last(studies: Any) -> None:  # noqa: ANN401
    for number in range(MAX_SUBJECTS + 5):
        studies.now_ns = number
        studies.put("one", f"S{number:03}", ("g", "", float(number)))
    studies.put("bars", "S003", ("close", "1m", 9.0))  # newer than its first value
    state = studies_state(studies, run="r", at_ns=1)
    sent = {one.symbol: one.values for one in state.values}
    assert len(sent) == MAX_SUBJECTS
    assert sent["S003"] == {"g": 3.0, "close{1m}": 9.0}
    assert "S004" not in sent
    assert [(one.name, one.disabled, one.skipped) for one in state.studies] == [("one", False, 7), ("bars", True, 0)]


def test_several_symbols_are_told_from_one_with_a_plus_in_its_name(studies: Any) -> None:  # noqa: ANN401
    studies.put("one", "A+B", ("g", "", 1.0))
    assert studies.results.put("bars", Subject("A+B", "market", ("A", "B")), [("close", "1m", 2.0)], 0)
    sent = studies_state(studies, run="r", at_ns=1).values
    assert [(one.together, one.values) for one in sent] == [([], {"g": 1.0}), (["A", "B"], {"close{1m}": 2.0})]


def test_a_study_that_is_gone_gives_its_room_back() -> None:
    results = StudyResults(max_series=2)
    results.load([spec("one"), spec("two")], [])
    subject = Subject("A", "market")
    assert results.put("one", subject, [("g", "a", 1.0), ("g", "b", 1.0)], 0)
    assert not results.put("two", subject, [("g", "", 1.0)], 0)
    results.load([spec("two")], [])
    assert results.put("two", subject, [("g", "", 1.0)], 0)
