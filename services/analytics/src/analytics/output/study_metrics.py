"""Metrics of the studies: their values, and how they do."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Literal, NamedTuple, Self, TypeAlias

from analytics.output.exposition import Family, LabelledSeries, Labels
from analytics.studies.protocol import GaugeSpec, StudySpec
from analytics.studies.results import COST_BOUNDS_S, REASONS
from analytics.studies.runner.studies import Studies
from analytics.studies.schedule import Subject

_Kind: TypeAlias = Literal["counter", "gauge"]
_Shape: TypeAlias = list[tuple[Subject, tuple[tuple[str, str], ...]]]
"""The subjects, and of each the gauges and labels that have values."""


class _Layout(NamedTuple):
    """Which of a study's values, one subject after the other, belong to which gauge.

    With hundreds of symbols these are thousands of series: their labels are not made anew for each scrape.
    """

    study: StudySpec
    shape: _Shape
    series: dict[str, tuple[list[int], LabelledSeries]]

    @classmethod
    def of(cls, study: StudySpec, shape: _Shape) -> Self:
        """All gauges of the study."""
        flat = [(subject, *key) for subject, keys in shape for key in keys]
        series = {each.name: _series(each, flat) for each in study.gauges}
        return cls(study, shape, series)


def _series(gauge: GaugeSpec, flat: list[tuple[Subject, str, str]]) -> tuple[list[int], LabelledSeries]:
    places = [place for place, (_, name, _) in enumerate(flat) if name == gauge.name]
    labels = [_labels(flat[place][0], gauge.label, flat[place][2]) for place in places]
    return places, LabelledSeries(f"trading_study_{gauge.name}", lambda: (("", each) for each in labels))


class StudyMetrics:
    """Turns the studies' results into families; keeps the labels of series, which rarely change."""

    def __init__(self, studies: Studies) -> None:
        self._studies = studies
        self._series: dict[str, tuple[tuple[Labels, ...], LabelledSeries]] = {}
        self._layouts: dict[str, _Layout] = {}

    def families(self) -> Iterator[Family]:
        """All families, each a step small enough to be done without a break."""
        yield from self._values()
        yield from self._health()

    def _values(self) -> Iterator[Family]:
        results, now_ns = self._studies.results, self._studies.monotonic_ns()
        for study in results.studies.values():
            fresh = results.fresh(study.name, now_ns)
            layout = self._laid_out(study, [(subject, tuple(values)) for subject, values in fresh])
            flat = [value for _, values in fresh for value in values.values()]
            for gauge in study.gauges:
                places, series = layout.series[gauge.name]
                found = [flat[place] for place in places]
                yield Family(f"trading_study_{gauge.name}", "gauge", gauge.help, series, found)

    def _laid_out(self, study: StudySpec, shape: _Shape) -> _Layout:
        """The study's series; mostly they are those of the last time."""
        kept = self._layouts.get(study.name)
        if kept is None or kept.study is not study or kept.shape != shape:
            kept = self._layouts[study.name] = _Layout.of(study, shape)
        return kept

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


def _labels(subject: Subject, name: str | None, value: str) -> Labels:
    own = () if name is None else ((name, value),)
    return (("symbol", subject.symbol), ("origin", subject.origin), *own)


def _parts(bounds: tuple[str, ...]) -> Iterator[tuple[str, Labels]]:
    for bound in bounds:
        yield "bucket", (("le", bound),)
    yield "count", ()
    yield "sum", ()
