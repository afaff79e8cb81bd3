"""The studies as the service sees them: one task to run, and their results."""

from analytics.engine import Engine
from analytics.intake.labels import SymbolKey
from analytics.studies.results import StudyResults
from analytics.studies.ring import TradeRing
from analytics.studies.runner.forks import WorkerOptions
from analytics.studies.runner.supervisor import StudyLimits, StudySupervisor
from telemetry_runtime import Clock
from telemetry_schema import Origin


class EngineTrades:
    """The engine's trades, by the names that studies use."""

    def __init__(self, engine: Engine, ring: TradeRing) -> None:
        self._engine = engine
        self.ring = ring

    def fold(self) -> None:
        """Makes all trades that were applied visible."""
        self._engine.fold()

    def key_of(self, slot: int) -> SymbolKey:
        """Whose trades are in a slot of the ring."""
        return self._engine.symbols.names[slot]

    def slot_of(self, key: SymbolKey) -> int | None:
        """The slot of a symbol, if it has one."""
        return self._engine.symbols.known(key)

    def symbols(self, origin: Origin) -> list[str]:
        """Symbols that have traded, in order."""
        keys = self._engine.symbols.names
        return sorted(key.symbol for slot, key in enumerate(keys) if key.origin == origin and self.ring.total(slot))

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Sources and accounts by slot."""
        return self._engine.sources.names, self._engine.accounts.names


class Studies:
    """All studies: `run` is a task of the service."""

    def __init__(
        self, trades: EngineTrades, options: WorkerOptions, limits: StudyLimits, clock: Clock, *, max_series: int
    ) -> None:
        self.results = StudyResults(max_series=max_series)
        self._clock = clock
        self.supervisor = StudySupervisor(trades, self.results, options, limits, clock)

    async def run(self) -> None:
        """Runs until it is cancelled."""
        await self.supervisor.run()

    def is_disabled(self, study: str) -> bool:
        """Whether a study has failed so often that it was given up."""
        schedule = self.supervisor.schedule
        return schedule is not None and schedule.is_disabled(study)

    def skipped(self) -> dict[str, int]:
        """By study: how often it would have run, had the worker been free."""
        schedule = self.supervisor.schedule
        return {} if schedule is None else schedule.skipped

    def monotonic_ns(self) -> int:
        """The time by which results are dated."""
        return self._clock.monotonic_ns()
