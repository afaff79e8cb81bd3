"""Results that metrics and snapshots share: computed on request, and cached for a moment."""

from dataclasses import dataclass
from typing import Final, Protocol

from analytics.aggregates.recent import RecentStatistics, RecentView
from analytics.arrays import Floats
from analytics.cooperative import Steps
from analytics.engine import Engine
from analytics.state import State

FRESH_NS: Final = 100_000_000
"""Age up to which a snapshot uses cached results."""

_SYMBOLS_A_STEP: Final = 32
"""Symbols whose recent trades are sorted without a break: about 1 ms."""

_MAX_PREPARATIONS: Final = 20
"""Steps of preparation before the results are read all the same: trades of many minutes may come faster than that."""


class WallAndMonotonic(Protocol):
    """The part of a clock that does not wait."""

    def now_ns(self) -> int: ...  # noqa: D102 - see telemetry_runtime.clock.Clock
    def monotonic_ns(self) -> int: ...  # noqa: D102 - as above


@dataclass(frozen=True, slots=True)
class Results:
    """One consistent state and the statistics of the recent trades, of shape (symbols,)."""

    state: State
    mean_interval_s: Floats
    burstiness: Floats
    qty_quantiles: Floats
    """Of `recent.PROBABILITIES`, shape (3, symbols)."""


class Analysis:
    """Computes results in steps, so that trades can be applied in between; they are of one moment all the same."""

    def __init__(self, engine: Engine, *, clock: WallAndMonotonic) -> None:
        self._engine, self._clock = engine, clock
        self._statistics = RecentStatistics(engine.symbols.max_slots)
        self._results: Results | None = None
        self._results_ns = 0

    def steps(self, *, max_age_ns: int = 0) -> Steps[Results]:
        """Returns the results, and yields wherever something else may be done before.

        Args:
            max_age_ns: results younger than this are given again.
        """
        monotonic_ns = self._clock.monotonic_ns()
        if self._results is not None and monotonic_ns - self._results_ns < max_age_ns:
            return self._results
        yield from self._prepare()
        state = yield from self._engine.steps(now_ns=self._clock.now_ns(), monotonic_ns=self._clock.monotonic_ns())
        yield
        yield from self._renew(state.changed)
        self._results, self._results_ns = self._take(state), monotonic_ns
        return self._results

    def _prepare(self) -> Steps[None]:
        for _ in range(_MAX_PREPARATIONS):
            prepared = self._engine.prepare()
            yield
            if prepared:
                return

    def _renew(self, view: RecentView) -> Steps[None]:
        done = 0
        try:
            while done < len(view.slots):
                self._statistics.renew(view, slice(done, done + _SYMBOLS_A_STEP))
                done += _SYMBOLS_A_STEP
                yield
        finally:
            # The caller may give up at a `yield` (GeneratorExit): then the rest stays marked as changed.
            self._engine.aggregates.recent.changed[view.slots[done:]] = True

    def _take(self, state: State) -> Results:
        known = slice(len(state.symbols))
        statistics = self._statistics
        return Results(
            state=state,
            mean_interval_s=statistics.mean_interval_s[known].copy(),
            burstiness=statistics.burstiness[known].copy(),
            qty_quantiles=statistics.qty_quantiles[:, known].copy(),
        )
