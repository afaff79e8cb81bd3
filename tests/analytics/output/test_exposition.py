"""The text is what prometheus_client would have written."""

import math
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from analytics.output.exposition import SERIES_A_STEP, Family, LabelledSeries, SampleExemplar, openmetrics_text, text
from analytics.output.metrics import Metrics
from tests.analytics.batches import NOW, SECOND, T, applied, results
from tests.helpers.openmetrics import families_of

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class OneOf(Collector):
    """The same families, as prometheus_client has them."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return [self._metric(family) for family in self._families]

    @staticmethod
    def _metric(family: Family) -> Metric:
        name = family.name.removesuffix("_total")
        metric = Metric(name, family.help, family.kind)
        for (suffix, labels), value in zip(family.series.keys(), family.values, strict=True):
            metric.add_sample(family.name + suffix, dict(labels), value)
        return metric


def samples(exposed: str) -> Samples:
    found: Samples = {}
    for metric in text_string_to_metric_families(exposed):
        for sample in metric.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def assert_same(families: list[Family]) -> None:
    registry = CollectorRegistry()
    registry.register(OneOf(families))
    theirs, ours = samples(generate_latest(registry).decode()), samples("".join(map(text, families)))
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert ours[key] == value or (math.isnan(value) and math.isnan(ours[key])), key


@pytest.mark.parametrize("count", [0, 1, 500, 501, 2_000])
def test_labels_are_written_in_steps_and_whole_for_who_takes_none(count: int) -> None:
    def made() -> LabelledSeries:
        return LabelledSeries("m", lambda: (("", (("book", str(number)),)) for number in range(count)))

    in_steps, at_once = made(), made()
    steps = in_steps.steps()
    assert sum(1 for _ in steps) == -(-count // SERIES_A_STEP)
    assert in_steps.prefixes == at_once.prefixes == [f'm{{book="{number}"}} ' for number in range(count)]
    assert list(in_steps.steps()) == []


def test_two_who_look_at_once_share_the_steps() -> None:
    labels = LabelledSeries("m", lambda: ((f"_{number}", ()) for number in range(1_200)))
    one, other = labels.steps(), labels.steps()
    next(one)
    next(other)
    assert labels.prefixes == [f"m_{number} " for number in range(1_200)]


def test_every_metric_of_analytics_is_written_as_prometheus_client_would() -> None:
    made = applied([T(), T(symbol="B", side="sell", at_ns=-20 * SECOND)], [T(symbol="B", qty=3)])
    assert_same(list(Metrics().families(results(made))))


@given(
    values=st.lists(st.floats(), min_size=1, max_size=5),
    label=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    help_text=st.text('abc \\\n"{}', max_size=20).map(str.strip),
)  # fmt: skip
def test_any_value_and_any_label_are_written_as_prometheus_client_would(
    values: list[float], label: str, help_text: str
) -> None:
    series = LabelledSeries("m_total", lambda: [("", (("a", label), ("n", str(n)))) for n in range(len(values))])
    assert_same([Family("m_total", "counter", help_text, series, values)])


def test_a_gauge_by_hand() -> None:
    series = LabelledSeries("g", lambda: [("", (("symbol", "A"),)), ("", ())])
    assert text(Family("g", "gauge", "Help.", series, [math.nan, 1.5])) == (
        '# HELP g Help.\n# TYPE g gauge\ng{symbol="A"} NaN\ng 1.5\n'
    )


def test_infinities_are_spelled_as_prometheus_does() -> None:
    series = LabelledSeries("g", lambda: [("", ())])
    assert text(Family("g", "gauge", "", series, [math.inf])).endswith("g +Inf\n")
    assert text(Family("g", "gauge", "", series, [-math.inf])).endswith("g -Inf\n")


def test_times_keep_their_nanoseconds_as_far_as_a_float_can() -> None:
    made = applied([T(at_ns=1_000)], now_ns=NOW + 2_000)
    exposed = samples("".join(map(text, Metrics().families(results(made)))))
    key = ("trading_last_trade_timestamp_seconds", frozenset({("symbol", "A"), ("origin", "market")}))
    assert exposed[key] == (NOW + 1_000) / 1e9


def open_samples(families: list[Family]) -> Samples:
    """Read by prometheus_client's strict reader of OpenMetrics."""
    exposed = "".join(map(openmetrics_text, families)) + "# EOF\n"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in families_of(exposed)
        for sample in metric.samples
    }


def test_as_openmetrics_every_metric_has_the_same_series_and_values() -> None:
    made = applied([T(), T(symbol="B", side="sell", at_ns=-20 * SECOND)], [T(symbol="B", qty=3)])
    families = list(Metrics().families(results(made)))
    plain, ours = samples("".join(map(text, families))), open_samples(families)
    assert ours.keys() == plain.keys()
    assert all(ours[key] == value or math.isnan(value) for key, value in plain.items())


def one(name: str = "x", kind: Literal["counter", "gauge", "histogram"] = "gauge", **more: Any) -> Family:  # noqa: ANN401 - fields of a family
    series = LabelledSeries(name, lambda: [("", (("a", "1"),)), ("", (("a", "2"),))])
    return Family(name, kind, 'Says "x", \\ and\nmore.', series, [1.0, math.inf], **more)


def test_a_counters_type_is_named_without_total_and_its_samples_with_it() -> None:
    exposed = openmetrics_text(one("x_total", "counter"))
    assert exposed.splitlines()[1:] == ["# TYPE x counter", 'x_total{a="1"} 1.0', 'x_total{a="2"} +Inf']
    assert "# TYPE x_total counter" in text(one("x_total", "counter"))
    (metric,) = families_of(exposed + "# EOF\n")
    assert metric.documentation == 'Says "x", \\ and\nmore.'


@pytest.mark.parametrize("order_id", ["o-1", "a b é", "x" * 120])
def test_an_exemplar_is_read_back_with_its_order_and_time_and_plain_text_has_none(order_id: str) -> None:
    exemplars = {0: SampleExemplar(order_id, 0.25, 1_700_000_000_123_456_789)}
    family = one("x_total", "counter", exemplars=exemplars)
    (metric,) = families_of(openmetrics_text(family) + "# EOF\n")
    found = metric.samples[0].exemplar
    assert found is not None
    assert (found.labels, found.value, float(found.timestamp or 0)) == ({"order_id": order_id}, 0.25, 1_700_000_000.123)
    assert metric.samples[1].exemplar is None
    assert "order_id" not in text(family)


def test_an_id_that_openmetrics_has_no_room_for_is_left_out() -> None:
    family = one("x_total", "counter", exemplars={0: SampleExemplar("x" * 121, 1.0, 0)})
    assert "order_id" not in openmetrics_text(family)


def test_quotes_and_backslashes_of_an_id_are_escaped() -> None:
    family = one("x_total", "counter", exemplars={0: SampleExemplar('a"b\\c', 1.0, 0)})
    assert r"""# {order_id="a\"b\\c"} 1.0 0.000""" in openmetrics_text(family)
