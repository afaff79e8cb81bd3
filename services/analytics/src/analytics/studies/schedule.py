"""Which study is due for which symbol: triggered by trades, at most once in its span. Pure; times are monotonic."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from heapq import heappop, heappush
from typing import Final, NamedTuple

from analytics.studies.protocol import StudySpec
from telemetry_schema import Origin

RETRY_FIRST_NS: Final = 1_000_000_000
RETRY_MOST_NS: Final = 300_000_000_000

LOOKS_A_SPAN: Final = 4
MOST_LOOK_NS: Final = 250_000_000
"""From one look for new trades to the next: so many in the shortest span of a study, and at most so long."""

_ASIDE: Final = 2**63
"""When a suspect is due, as far as the queue of the others is concerned: never."""

TOGETHER: Final = "+"

MAX_REMEMBERED: Final = 50_000
"""Pairs of study and symbol whose last run is remembered."""


class Subject(NamedTuple):
    """Whose trades a study looks at; of several symbols at once, all of them: `BTC-USD+ETH-USD`."""

    symbol: str
    origin: Origin
    together: tuple[str, ...] = ()
    """The several, as a symbol's own name may have a plus in it."""


class Due(NamedTuple):
    """Studies to be run on one subject."""

    subject: Subject
    studies: list[str]


@dataclass(slots=True)
class _Standing:
    """How a study does: failures in a row, until when it is left alone, whether it was given up."""

    failures: int = 0
    rests_until_ns: int = 0
    disabled: bool = False


class Schedule:
    """The studies' timetable.

    Args:
        max_failures: a study that fails so many times in a row is disabled until the next start.
    """

    def __init__(self, studies: Iterable[StudySpec], *, max_failures: int) -> None:
        self._studies = {each.name: each for each in studies}
        self._max_failures = max_failures
        self._standing = {name: _Standing() for name in self._studies}
        self._triggered: dict[Subject, dict[str, int]] = {}
        """By subject and study: from when on it is due."""
        self._queue: list[tuple[int, Subject]] = []
        """A heap of the subjects by the moment when their next study is due; entries may be out of date."""
        self._suspects: list[tuple[int, Subject, str]] = []
        """A heap of what failed the last time, by the moment when it is due."""
        self._ran_ns: dict[tuple[Subject, str], int] = {}
        self._traded_ns: dict[Subject, int] = {}
        """When trades of a subject were last seen."""
        self._concerned: dict[tuple[str, str], list[tuple[Subject, list[StudySpec]]]] = {}
        self._next_look_ns = 0
        self._look_ns = min([MOST_LOOK_NS, *(each.every_ns // LOOKS_A_SPAN for each in self._studies.values())])
        self.skipped: dict[str, int] = dict.fromkeys(self._studies, 0)
        """Times that a study would have run, had the worker been free."""

    def trigger(self, symbol: str, origin: Origin, now_ns: int) -> None:
        """Trades of a symbol have come."""
        for subject, specs in self._studies_of(symbol, origin):
            self._traded_ns[subject] = now_ns
            waiting = self._triggered.setdefault(subject, {})
            if len(waiting) < len(specs):
                self._add(subject, waiting, specs, now_ns)

    def _add(self, subject: Subject, waiting: dict[str, int], specs: list[StudySpec], now_ns: int) -> None:
        for spec in specs:
            if spec.name in waiting:
                continue
            ran_ns = self._ran_ns.get((subject, spec.name))
            due_ns = now_ns if ran_ns is None else max(now_ns, ran_ns + spec.every_ns)
            due_ns = max(due_ns, self._standing[spec.name].rests_until_ns)
            if due_ns not in waiting.values():
                heappush(self._queue, (due_ns, subject))
            waiting[spec.name] = due_ns

    def _studies_of(self, symbol: str, origin: Origin) -> list[tuple[Subject, list[StudySpec]]]:
        """The subjects that a symbol's trades concern, each with its studies that are not disabled."""
        concerned = self._concerned.get((symbol, origin))
        if concerned is None:
            by_subject: dict[Subject, list[StudySpec]] = {}
            for each in self._studies.values():
                if origin in each.origins and _concerns(each, symbol) and not self._standing[each.name].disabled:
                    by_subject.setdefault(_subject(each, symbol, origin), []).append(each)
            concerned = self._concerned[symbol, origin] = list(by_subject.items())
        return concerned

    def look(self, now_ns: int) -> bool:
        """Whether to look now for symbols with new trades, which must be folded for that; to be asked each turn.

        Some times in the shortest span of a study, and whenever one may be due, so that it is given all trades.
        """
        is_due = now_ns >= self._next_look_ns or any(
            queue and queue[0][0] <= now_ns for queue in (self._queue, self._suspects)
        )
        if is_due:
            self._next_look_ns = now_ns + self._look_ns
        return is_due

    def next_due(self, now_ns: int) -> Due | None:
        """The subject that has waited longest, with all its studies that are due; they count as run now."""
        while self._queue and self._queue[0][0] <= now_ns:
            _, subject = heappop(self._queue)
            waiting = self._triggered.get(subject, {})
            names = [name for name, due_ns in waiting.items() if due_ns <= now_ns]
            for name in names:
                if self.is_healthy(name):
                    self._begin(subject, name, now_ns)
                else:
                    heappush(self._suspects, (waiting[name], subject, name))
                    waiting[name] = _ASIDE
            self._prune(now_ns)
            names = [name for name in names if self.is_healthy(name)]
            if names:
                return Due(subject, names)
        return None

    def next_suspect(self, now_ns: int) -> Due | None:
        """One study on one subject that failed the last time: to be run alone, so that it takes no other with it."""
        while self._suspects and self._suspects[0][0] <= now_ns:
            due_ns, subject, name = heappop(self._suspects)
            waiting, rests_until_ns = self._triggered.get(subject, {}), self._standing[name].rests_until_ns
            if name not in waiting:
                continue  # it was disabled
            if rests_until_ns > now_ns:
                heappush(self._suspects, (rests_until_ns, subject, name))
                continue
            waiting[name] = due_ns
            if not self.is_healthy(name):
                self._begin(subject, name, now_ns)
                return Due(subject, [name])
            heappush(self._queue, (due_ns, subject))  # it has succeeded on another subject
        return None

    def _begin(self, subject: Subject, name: str, now_ns: int) -> None:
        due_ns = self._triggered[subject].pop(name)
        # What waited without new trades would not have run in between.
        waited_ns = max(self._traded_ns[subject] - due_ns, 0)
        self.skipped[name] += waited_ns // self._studies[name].every_ns
        self._ran_ns[subject, name] = now_ns

    def spec(self, name: str) -> StudySpec:
        """A study by its name."""
        return self._studies[name]

    def succeeded(self, name: str) -> None:
        """A study has given its values."""
        self._standing[name] = _Standing()

    def failed(self, name: str, now_ns: int) -> bool:
        """A study has failed: it rests, longer each time. Whether it is disabled by that."""
        standing = self._standing[name]
        standing.failures += 1
        rest_ns = min(RETRY_FIRST_NS << min(standing.failures - 1, 16), RETRY_MOST_NS)
        standing.rests_until_ns = now_ns + rest_ns
        was_disabled, standing.disabled = standing.disabled, standing.failures >= self._max_failures
        if standing.disabled == was_disabled:
            return False
        self._concerned.clear()
        for waiting in self._triggered.values():
            waiting.pop(name, None)
        return True

    def is_healthy(self, name: str) -> bool:
        """Whether its last run succeeded, or it has not run yet."""
        return self._standing[name].failures == 0

    def is_disabled(self, name: str) -> bool:
        """Whether it has failed too often."""
        return self._standing[name].disabled

    def _prune(self, now_ns: int) -> None:
        """Forgets symbols that do not trade any more, once there are many: they cost nothing but memory."""
        if len(self._ran_ns) < MAX_REMEMBERED:
            return
        self._ran_ns = {
            key: ran_ns for key, ran_ns in self._ran_ns.items() if now_ns - ran_ns < self._studies[key[1]].every_ns
        }
        self._triggered = {subject: waiting for subject, waiting in self._triggered.items() if waiting}
        self._traded_ns = {subject: self._traded_ns[subject] for subject in self._triggered}
        self._concerned.clear()


def _subject(spec: StudySpec, symbol: str, origin: Origin) -> Subject:
    if spec.together:
        return Subject(TOGETHER.join(spec.together), origin, tuple(spec.together))
    return Subject(symbol, origin)


def _concerns(spec: StudySpec, symbol: str) -> bool:
    if spec.together:
        return symbol in spec.together
    return not spec.symbols or any(_matches(symbol, pattern) for pattern in spec.symbols)


def _matches(symbol: str, pattern: str) -> bool:
    # A bracket stands for itself: symbols may have some.
    return fnmatchcase(symbol, pattern.replace("[", "[[]"))
