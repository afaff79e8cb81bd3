"""What studies have found: the newest values of each, how long they took, and what went wrong. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final, NamedTuple

from analytics.studies.protocol import LoadProblem, StudySpec
from analytics.studies.schedule import Subject

STALE_NS: Final = 600_000_000_000
"""Values of a subject that was not run for this long are left out: its symbol does not trade any more."""

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


@dataclass(frozen=True, slots=True)
class NewestValues:
    """What the newest run of a study found for one subject, and when (monotonic ns)."""

    at_ns: int
    values: dict[tuple[str, str], float]
    """By gauge and value of its label."""


@dataclass(slots=True)
class Cost:
    """What a study has taken so far."""

    runs: int = 0
    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(COST_BOUNDS_S) + 1))
    slowest_s: float = 0.0


class StudyResults:
    """The values of all studies; at most `max_series`, beyond which a study's new series are refused."""

    def __init__(self, *, max_series: int) -> None:
        self._max_series = max_series
        self._found: dict[str, dict[Subject, NewestValues]] = defaultdict(dict)
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
        for study in [name for name in self._found if name not in self.studies]:
            for subject in list(self._found[study]):
                self._drop(study, subject)
            del self._found[study]

    def put(self, study: str, subject: Subject, values: Sequence[tuple[str, str, float]], now_ns: int) -> bool:
        """Takes the values of one run; what it did not return is dropped. False where there was no room for all."""
        by_subject = self._found[study]
        before = by_subject.get(subject)
        room = self._max_series - self._count + (0 if before is None else len(before.values))
        after = {(gauge, label): value for gauge, label, value in values[:room]}
        if not after:
            self._drop(study, subject)
            return len(values) <= room
        # In its old place, so that the series of two scrapes have the same order.
        by_subject[subject] = NewestValues(now_ns, after)
        self._count += len(after) - (0 if before is None else len(before.values))
        return len(values) <= room

    def _drop(self, study: str, subject: Subject) -> None:
        found = self._found[study].pop(subject, None)
        self._count -= 0 if found is None else len(found.values)

    def note_cost(self, study: str, took_s: float) -> None:
        """Counts a run."""
        cost = self.costs[study]
        cost.runs += 1
        cost.seconds += took_s
        cost.counts[bisect_left(COST_BOUNDS_S, took_s)] += 1
        cost.slowest_s = max(cost.slowest_s, took_s)

    def note_failure(self, study: str, reason: str, text: str) -> None:
        """Counts a failure."""
        self.failures[study, reason] += 1
        self.last_failure[study] = f"{reason}: {text}" if text else reason

    def recovered(self, study: str) -> None:
        """The study has succeeded again."""
        self.last_failure.pop(study, None)

    def series(self, now_ns: int) -> Iterator[tuple[SeriesKey, float]]:
        """All that is fresh; what is stale is dropped."""
        for study in list(self._found):
            yield from self.series_of(study, now_ns)

    def series_of(self, study: str, now_ns: int) -> Iterator[tuple[SeriesKey, float]]:
        """Of one study, all that is fresh; what is stale is dropped."""
        for subject, values in self.fresh(study, now_ns):
            for (gauge, label), value in values.items():
                yield SeriesKey(study, gauge, label, subject), value

    def fresh(self, study: str, now_ns: int) -> list[tuple[Subject, dict[tuple[str, str], float]]]:
        """Of one study the values by subject, each by gauge and label; what is stale is dropped."""
        by_subject = self._found[study]
        for subject in [subject for subject, found in by_subject.items() if now_ns - found.at_ns > STALE_NS]:
            self._drop(study, subject)
        return [(subject, found.values) for subject, found in by_subject.items()]

    def newest_subjects(self, now_ns: int, most: int) -> list[Subject]:
        """The subjects that were looked at last, at most so many, and none that is stale."""
        seen_ns: dict[Subject, int] = {}
        for by_subject in self._found.values():
            for subject, found in by_subject.items():
                if now_ns - found.at_ns <= STALE_NS and found.at_ns > seen_ns.get(subject, -1):
                    seen_ns[subject] = found.at_ns
        return nlargest(most, seen_ns, key=seen_ns.__getitem__)

    def of_subject(self, subject: Subject) -> Iterator[tuple[str, str, float]]:
        """Its values: gauge, value of the gauge's label, value."""
        for by_subject in self._found.values():
            if (found := by_subject.get(subject)) is not None:
                for (gauge, label), value in found.values.items():
                    yield gauge, label, value
