"""What the UI is shown of the studies."""

from collections.abc import Iterable
from typing import Final

from analytics.studies.results import Cost
from analytics.studies.runner.studies import Studies
from telemetry_schema import StudiesState, StudyState, StudyValues

MAX_SUBJECTS: Final = 60
"""Symbols whose values are sent: with the microstructure set about 1 kB each."""

_MAX_FAILURE_CHARS: Final = 1_000


def studies_state(studies: Studies, *, run: str, at_ns: int) -> StudiesState:
    """The state of all studies, and the values of the symbols that were looked at last."""
    results = studies.results
    return StudiesState(
        run=run,
        at_ns=at_ns,
        worker_starts=studies.supervisor.starts,
        studies=[_state(studies, name) for name in results.studies],
        values=_values(studies),
        problems=[f"{problem.where}: {problem.text}" for problem in results.problems],
    )


def _state(studies: Studies, name: str) -> StudyState:
    results, spec = studies.results, studies.results.studies[name]
    cost = results.costs.get(name, Cost())
    failure = results.last_failure.get(name)
    return StudyState(
        name=name,
        is_builtin=spec.is_builtin,
        every_ns=spec.every_ns,
        runs=cost.runs,
        skipped=studies.skipped().get(name, 0),
        failures=sum(count for (study, _), count in results.failures.items() if study == name),
        mean_s=cost.seconds / cost.runs if cost.runs else 0.0,
        slowest_s=cost.slowest_s,
        disabled=studies.is_disabled(name),
        failure=None if failure is None else failure[:_MAX_FAILURE_CHARS],
    )


def _values(studies: Studies) -> list[StudyValues]:
    """Of the symbols that were looked at last; built for these alone, as all of 200 symbols would hold up trades."""
    results = studies.results
    newest = results.newest_subjects(studies.monotonic_ns(), MAX_SUBJECTS)
    return [
        StudyValues(
            symbol=each.symbol,
            origin=each.origin,
            together=list(each.together),
            values=_named(results.of_subject(each)),
        )
        for each in sorted(newest)
    ]


def _named(values: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    return {f"{gauge}{{{label}}}" if label else gauge: value for gauge, label, value in values}
