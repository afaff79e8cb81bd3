"""Ways in which a panel's number is held against the truth. Each that is not exact says why."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tests.stack.traffic import Outcome

Numbers: TypeAlias = Mapping[str, float]
Truth: TypeAlias = Callable[[Outcome], Numbers]
ROUNDING: Final = 1e-9
"""Of sums in float64, relative."""


@dataclass(frozen=True)
class Exact:
    """The last value is the truth, by the labels of the lines."""

    ref: str
    truth: Truth
    at: str = "end"
    chosen: Mapping[str, str] = field(default_factory=dict)
    off: float = ROUNDING
    """How far off it may be, relative; more than rounding needs a `why`."""
    off_by: float = 1e-9
    """The same, absolute."""
    why: str = ""

    @property
    def refs(self) -> Sequence[str]:
        """The one query."""
        return (self.ref,)

    def hold(self, outcome: Outcome, dashboard: str, panel: str) -> None:
        """Fails where the panel shows something else."""
        shown = outcome.last(outcome.find(dashboard, panel, self.ref), self.at, self.chosen)
        compare(shown, self.truth(outcome), self.off, self.off_by)


@dataclass(frozen=True)
class Total:
    """The area under each line is the truth."""

    ref: str
    truth: Truth
    begin: str = "begin"
    at: str = "end"
    chosen: Mapping[str, str] = field(default_factory=dict)
    off: float = ROUNDING
    why: str = ""

    @property
    def refs(self) -> Sequence[str]:
        """The one query."""
        return (self.ref,)

    def hold(self, outcome: Outcome, dashboard: str, panel: str) -> None:
        """Fails where the chart comes to something else."""
        shown = outcome.total(outcome.find(dashboard, panel, self.ref), self.begin, self.at, self.chosen)
        compare(shown, self.truth(outcome), self.off, 1e-6)


@dataclass(frozen=True)
class Between:
    """Every line is within bounds: what nobody can plant exactly."""

    refs: Sequence[str]
    low: float
    high: float
    why: str
    at: str = "end"
    lines: Sequence[str] = ()
    """Lines that must be there."""
    chosen: Mapping[str, str] = field(default_factory=dict)

    def hold(self, outcome: Outcome, dashboard: str, panel: str) -> None:
        """Fails where a line is out of bounds or missing."""
        for ref in self.refs:
            shown = outcome.last(outcome.find(dashboard, panel, ref), self.at, self.chosen)
            assert shown
            assert set(self.lines) <= shown.keys()
            assert {name: value for name, value in shown.items() if not self.low <= value <= self.high} == {}, ref


Check: TypeAlias = Exact | Total | Between
"""What is known of one query of a panel, or of several."""


def compare(shown: Numbers, truth: Numbers, off: float, off_by: float) -> None:
    """Fails where one of the true lines is another or missing; where the truth is no number, there is no line."""
    assert truth
    wrong = {
        name: f"{shown.get(name)} instead of {value}"
        for name, value in truth.items()
        if not _agree(shown.get(name, math.nan), value, off, off_by)
    }
    assert wrong == {}, f"{wrong}; there are {sorted(shown)[:12]}"


def _agree(shown: float, true: float, off: float, off_by: float) -> bool:
    return math.isnan(shown) if math.isnan(true) else math.isclose(shown, true, rel_tol=off, abs_tol=off_by)


def one(truth: Callable[[Outcome], float], line: str = "") -> Truth:
    """The one line."""
    return lambda outcome: {line: truth(outcome)}


def zero(*lines: str) -> Truth:
    """Nothing of the kind was planted: these lines are 0."""
    return lambda _: dict.fromkeys(lines or ("",), 0.0)


def sent(what: str, *sources: str) -> Truth:
    """What was sent so, by all or by these sources, as one line."""
    return lambda outcome: {"": outcome.planted.truth(what, *sources)}


def by_source(what: str) -> Truth:
    """What each source has sent so, where it has at all."""
    return lambda outcome: {
        name: sender.sent[what] for name, sender in outcome.planted.senders.items() if sender.sent[what]
    }


def served(metric: str, line: str = "", **labels: str) -> Truth:
    """What the service itself showed at the moment `market`, or nothing: the number is tested where it is made."""

    def found(outcome: Outcome) -> Numbers:
        wanted = {"origin": "market", **labels}.items()
        metrics = outcome.served["analytics"]
        there = any(wanted <= each.items() for each in metrics.labels(metric))
        return {line: metrics.value(metric, **labels) if there else math.nan}

    return found
