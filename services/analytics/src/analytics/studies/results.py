"""What studies have found: the newest values of each, how long they took, and what went wrong. Pure."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, NamedTuple

from analytics.studies.protocol import LoadProblem, StudySpec
from analytics.studies.schedule import Subject

STALE_NS: Final = 600_000_000_000
"""Values of a subject that was not run for this long are left out: its symbol does not trade any more."""

HISTORY: Final = 60
"""Values kept of each series for the page."""

COST_BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
"""Bounds of the histogram of a run's time."""

REASONS: Final = (
    "raised",
    "timeout",
    "memory",
    "died",
    "load",
    "not_a_dict",
    "unknown_gauge",
    "not_a_number",
    "infinite",
    "too_many_labels",
    "over_budget",
)
"""Why a study failed: the values of the label `reason`."""


class SeriesKey(NamedTuple):
    """One series of a study."""

    study: str
    gauge: str
    label: str
    subject: Subject


@dataclass(slots=True)
class Series:
    """The newest value, when it was computed (monotonic ns), and those before it, the newest last."""

    value: float
    at_ns: int
    history: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))


@dataclass(slots=True)
class Cost:
    """What a study has taken so far, and its last run."""

    runs: int = 0
    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(COST_BOUNDS_S) + 1))
    last_s: float = 0.0
    slowest_s: float = 0.0


class StudyResults:
    """The values of all studies; at most `max_series`, beyond which a study's new series are refused."""

    def __init__(self, *, max_series: int) -> None:
        self._max_series = max_series
        self._series: dict[str, dict[Subject, dict[tuple[str, str], Series]]] = defaultdict(dict)
        self._count = 0
        self.studies: dict[str, StudySpec] = {}
        self.problems: list[LoadProblem] = []
        self.costs: dict[str, Cost] = defaultdict(Cost)
        self.failures: dict[tuple[str, str], int] = defaultdict(int)
        self.last_failure: dict[str, str] = {}

    def load(self, studies: Iterable[StudySpec], problems: Iterable[LoadProblem]) -> None:
        """Takes over what the worker has found; values of studies that are gone are dropped."""
        self.studies = {each.name: each for each in studies}
        self.problems = list(problems)
        for study in [name for name in self._series if name not in self.studies]:
            self._count -= sum(map(len, self._series.pop(study).values()))

    def put(self, study: str, subject: Subject, values: Iterable[tuple[str, str, float]], now_ns: int) -> bool:
        """Takes the values of one run; what it did not return is dropped. False where there was no room for all."""
        before = self._series[study].pop(subject, {})
        self._count -= len(before)
        after: dict[tuple[str, str], Series] = {}
        has_room = True
        for gauge, label, value in values:
            if self._count + len(after) >= self._max_series:
                has_room = False
                break
            series = after[gauge, label] = before.get((gauge, label)) or Series(value, now_ns)
            series.value, series.at_ns = value, now_ns
            series.history.append(value)
        if after:
            self._series[study][subject] = after
            self._count += len(after)
        return has_room

    def _drop(self, study: str, subject: Subject) -> None:
        self._count -= len(self._series[study].pop(subject, {}))

    def note_cost(self, study: str, took_s: float) -> None:
        """Counts a run."""
        cost = self.costs[study]
        cost.runs += 1
        cost.seconds += took_s
        cost.counts[bisect_left(COST_BOUNDS_S, took_s)] += 1
        cost.last_s = took_s
        cost.slowest_s = max(cost.slowest_s, took_s)

    def note_failure(self, study: str, reason: str, text: str) -> None:
        """Counts a failure."""
        self.failures[study, reason] += 1
        self.last_failure[study] = f"{reason}: {text}" if text else reason

    def recovered(self, study: str) -> None:
        """The study has succeeded again."""
        self.last_failure.pop(study, None)

    def series(self, now_ns: int) -> Iterator[tuple[SeriesKey, Series]]:
        """All that is fresh; what is stale is dropped."""
        for study in list(self._series):
            yield from self.series_of(study, now_ns)

    def series_of(self, study: str, now_ns: int) -> Iterator[tuple[SeriesKey, Series]]:
        """Of one study, all that is fresh; what is stale is dropped."""
        for subject, values in list(self._series[study].items()):
            if now_ns - _at_ns(values) > STALE_NS:
                self._drop(study, subject)
                continue
            for (gauge, label), series in values.items():
                yield SeriesKey(study, gauge, label, subject), series

    def newest_subjects(self, now_ns: int, most: int) -> list[Subject]:
        """The subjects that were looked at last, at most so many, and none that is stale."""
        seen_ns: dict[Subject, int] = {}
        for by_subject in self._series.values():
            for subject, values in by_subject.items():
                at_ns = _at_ns(values)
                if now_ns - at_ns <= STALE_NS and at_ns > seen_ns.get(subject, -1):
                    seen_ns[subject] = at_ns
        return nlargest(most, seen_ns, key=seen_ns.__getitem__)

    def of_subject(self, subject: Subject) -> Iterator[tuple[str, str, float]]:
        """Its values: gauge, value of the gauge's label, value."""
        for by_subject in self._series.values():
            for (gauge, label), series in by_subject.get(subject, {}).items():
                yield gauge, label, series.value


def _at_ns(values: Mapping[tuple[str, str], Series]) -> int:
    """When the values of one run were computed: all at one moment."""
    return next(iter(values.values())).at_ns
