"""The text is what prometheus_client would have written."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from analytics.output.exposition import Family, LabelledSeries, text
from analytics.output.metrics import Metrics
from tests.analytics.batches import NOW, SECOND, T, applied, results

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
