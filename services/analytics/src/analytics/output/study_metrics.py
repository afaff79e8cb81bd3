"""Metrics of the studies: their values, and how they do."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Literal, TypeAlias

from analytics.output.exposition import Family, LabelledSeries, Labels
from analytics.studies.results import COST_BOUNDS_S, REASONS, SeriesKey
from analytics.studies.runner.studies import Studies

_Kind: TypeAlias = Literal["counter", "gauge"]


class StudyMetrics:
    """Turns the studies' results into families; keeps the labels of series, which rarely change."""

    def __init__(self, studies: Studies) -> None:
        self._studies = studies
        self._series: dict[str, tuple[tuple[Labels, ...], LabelledSeries]] = {}

    def families(self) -> Iterator[Family]:
        """All families, each a step small enough to be done without a break."""
        yield from self._values()
        yield from self._health()

    def _values(self) -> Iterator[Family]:
        results, now_ns = self._studies.results, self._studies.monotonic_ns()
        for study in results.studies.values():
            by_gauge: dict[str, list[tuple[SeriesKey, float]]] = defaultdict(list)
            for key, value in results.series_of(study.name, now_ns):
                by_gauge[key.gauge].append((key, value))
            for gauge in study.gauges:
                found = by_gauge[gauge.name]
                labels = tuple(_labels(key, gauge.label) for key, _ in found)
                yield self._family(f"trading_study_{gauge.name}", "gauge", gauge.help, labels, [x for _, x in found])

    def _health(self) -> Iterator[Family]:
        results, studies = self._studies.results, list(self._studies.results.studies)
        failures = {(study, reason): 0 for study in studies for reason in REASONS} | results.failures
        labels = tuple((("study", study), ("reason", reason)) for study, reason in failures)
        help_text = "Runs of a study that gave no values, by reason."
        yield self._family("telemetry_study_failures_total", "counter", help_text, labels, list(failures.values()))
        yield self._seconds(studies)
        by_study: tuple[Labels, ...] = tuple((("study", study),) for study in studies)
        skipped = self._studies.skipped()
        help_text = "Runs that were left out: the worker was busy."
        values: list[float] = [skipped.get(study, 0) for study in studies]
        yield self._family("telemetry_study_skipped_total", "counter", help_text, by_study, values)
        help_text = "1 while a study is healthy, 0 while its last run failed or it is disabled."
        values = [float(study not in results.last_failure) for study in studies]
        yield self._family("telemetry_study_healthy", "gauge", help_text, by_study, values)
        starts = [float(self._studies.supervisor.starts)]
        help_text = "Times the studies' worker was started."
        yield self._family("telemetry_study_worker_starts_total", "counter", help_text, ((),), starts)
        unusable: list[float] = [float(len(results.problems))]
        help_text = "Files and modules with studies that could not be loaded."
        yield self._family("telemetry_study_unusable_files", "gauge", help_text, ((),), unusable)

    def _seconds(self, studies: list[str]) -> Family:
        bounds = (*map(str, COST_BOUNDS_S), "+Inf")
        keys = [(f"_{part}", study, bound) for study in studies for part, bound in _parts(bounds)]
        costs = [self._studies.results.costs[study] for study in studies]
        values = [x for cost in costs for x in (*accumulate(cost.counts), cost.runs, cost.seconds)]
        series = LabelledSeries(
            "telemetry_study_seconds",
            lambda: ((suffix, (("study", study), *bound)) for suffix, study, bound in keys),
        )
        return Family("telemetry_study_seconds", "histogram", "Time a run of a study took.", series, values)

    def _family(
        self, name: str, kind: _Kind, help_text: str, labels: tuple[Labels, ...], values: list[float]
    ) -> Family:
        kept = self._series.get(name)
        if kept is None or kept[0] != labels:
            kept = self._series[name] = (labels, LabelledSeries(name, lambda: (("", each) for each in labels)))
        return Family(name, kind, help_text, kept[1], values)


def _labels(key: SeriesKey, label: str | None) -> Labels:
    symbol, origin, _ = key.subject
    own = () if label is None else ((label, key.label),)
    return (("symbol", symbol), ("origin", origin), *own)


def _parts(bounds: tuple[str, ...]) -> Iterator[tuple[str, Labels]]:
    for bound in bounds:
        yield "bucket", (("le", bound),)
    yield "count", ()
    yield "sum", ()
