"""Runs whose sender reports that it is alive, and which of them went silent without their end. Pure.

    alive ──▶ open ──end──▶ forgotten
               │ ▲
      silent   │ │ a trade, or alive again
               ▼ │
            unfinished ──shown for long enough──▶ forgotten

A sender that never reports is never unfinished: whether it is quiet or dead cannot be known.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from ingest.checking.sequences import RunKey

SHOWN_FOR_S: Final = 3600.0
"""How long a run is shown as unfinished: long enough to be seen, short enough that the next one is."""

_LOOK_EVERY_NS: Final = 1_000_000_000

_MAX_STEP_NS: Final = 2 * _LOOK_EVERY_NS
"""A longer step of the clock is not silence of the senders: this process was stopped, or did not get to look."""


class _OpenRun:
    """When it was heard last, by the clock of `OpenRuns`, and the count of its run's moves then."""

    __slots__ = ("heard_ns", "is_unfinished", "move")

    def __init__(self, heard_ns: int) -> None:
        self.heard_ns, self.move, self.is_unfinished = heard_ns, -1, False


class OpenRuns:
    """Follows runs from their first `RunAlive` to their `RunEnd`, at most `max_runs`; then the first is forgotten.

    Its clock stands still while ingest does not read: what nobody takes in cannot be heard.

    Args:
        unfinished_after_s: a run that is silent for longer is unfinished.
        max_runs: runs that are followed at a time.
        on_unfinished: called with source and run when one becomes unfinished.
    """

    def __init__(
        self,
        *,
        unfinished_after_s: float = 30.0,
        max_runs: int = 4096,
        on_unfinished: Callable[[str, str | None], None] | None = None,
    ) -> None:
        self._after_ns, self._max_runs = round(unfinished_after_s * 1e9), max_runs
        self._on_unfinished = on_unfinished
        self._runs: dict[RunKey, _OpenRun] = {}
        self._looked_ns: int | None = None
        self._now_ns = 0
        self.unfinished: Counter[str] = Counter()
        """Unfinished runs of each source that has any."""

    def alive(self, key: RunKey) -> None:
        """The run's sender is there, and will say when the run ends."""
        run = self._runs.pop(key, None) or _OpenRun(self._now_ns)
        if len(self._runs) >= self._max_runs:
            self._forget(next(iter(self._runs)))
        self._runs[key] = run
        self._hear(key, run)

    def end(self, key: RunKey) -> None:
        """The run has ended."""
        if key in self._runs:
            self._forget(key)

    def tick(self, monotonic_ns: int, move_of: Callable[[RunKey], int], *, is_reading: bool) -> None:
        """Moves the time.

        Args:
            monotonic_ns: now.
            move_of: changes with each message of a run.
            is_reading: whether ingest takes in what its clients send.
        """
        if self._looked_ns is None:
            self._looked_ns = monotonic_ns
        step_ns = monotonic_ns - self._looked_ns
        if step_ns < _LOOK_EVERY_NS:
            return
        self._looked_ns = monotonic_ns
        self._now_ns += min(step_ns, _MAX_STEP_NS) if is_reading else 0
        for key, run in list(self._runs.items()):
            self._look(key, run, move_of(key))

    def _look(self, key: RunKey, run: _OpenRun, move: int) -> None:
        if move != run.move:
            run.move = move
            self._hear(key, run)
        silent_ns = self._now_ns - run.heard_ns
        if silent_ns > self._after_ns + SHOWN_FOR_S * 1e9:
            self._forget(key)
        elif silent_ns > self._after_ns and not run.is_unfinished:
            run.is_unfinished = True
            self.unfinished[key[0]] += 1
            if self._on_unfinished:
                self._on_unfinished(*key)

    def _hear(self, key: RunKey, run: _OpenRun) -> None:
        run.heard_ns = self._now_ns
        self._settle(key, run)

    def _forget(self, key: RunKey) -> None:
        self._settle(key, self._runs.pop(key))

    def _settle(self, key: RunKey, run: _OpenRun) -> None:
        """It is unfinished no longer."""
        if run.is_unfinished:
            run.is_unfinished = False
            self.unfinished[key[0]] -= 1
            self.unfinished += Counter()  # drops those at 0
