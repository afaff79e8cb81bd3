"""A supervisor with a real worker, on trades that are there."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from analytics.intake.labels import SymbolKey
from analytics.intake.pending import Trades
from analytics.studies.results import StudyResults
from analytics.studies.ring import TradeRing
from analytics.studies.runner.feed import shared_bytes
from analytics.studies.runner.forks import WorkerOptions
from analytics.studies.runner.supervisor import StudyLimits, StudySupervisor
from telemetry_runtime import Clock, SystemClock
from tests.analytics.batches import NOW, SECOND

HOSTILE = Path(__file__).with_name("hostile.py")
DEPTH = 64


def trades(
    n: int, *, slot: int = 0, at_ns: Sequence[int] = (), price: float = 100.0, qty: float = 1.0, buys: bool = True
) -> Trades:
    event_ns = np.array(at_ns or [NOW + number * SECOND // 100 for number in range(n)], np.int64)
    zeros = np.zeros(n, np.int64)
    return Trades(
        event_ns=event_ns,
        sent_ns=event_ns,
        received_ns=event_ns,
        applied_ns=event_ns,
        pushed_ns=event_ns,
        price=np.full(n, price),
        qty=np.full(n, qty),
        symbol=np.full(n, slot),
        source=zeros,
        is_buy=np.full(n, buys),
        replayed=np.zeros(n, np.bool_),
        account=zeros,
    )


def fork_server() -> psutil.Process:
    """The only child of this process."""
    (found,) = psutil.Process().children()
    return found


def worker() -> psutil.Process:
    """The fork server's only child."""
    (found,) = fork_server().children()
    return found


@dataclass
class FakeTrades:
    """Trades of some symbols of the market."""

    symbols: list[str] = field(default_factory=lambda: ["A"])
    ring: TradeRing = field(default_factory=lambda: TradeRing(max_slots=64, depth=DEPTH))

    def fold(self) -> None:
        """All of them are visible."""

    def key_of(self, slot: int) -> SymbolKey:
        return SymbolKey(self.symbols[slot])

    def slot_of(self, key: SymbolKey) -> int | None:
        return self.symbols.index(key.symbol) if key.symbol in self.symbols else None

    def names(self) -> tuple[Sequence[str], Sequence[str]]:
        return ["bot"], []

    def add(self, new: Trades) -> None:
        self.ring.fold(new, new.symbol)


@dataclass
class StudyWorld:
    """The studies of some files; all others of `hostile.py` are off."""

    only: Sequence[str] = ()
    places: Sequence[str] = (str(HOSTILE),)
    budget_s: float = 1.0
    load_s: float = 30.0
    max_failures: int = 3
    parameters: dict[str, dict[str, float]] = field(default_factory=dict)
    off: Sequence[str] = ()
    symbols: Sequence[str] = ("A",)
    max_series: int = 100
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.trades = FakeTrades(list(self.symbols))
        self.results = StudyResults(max_series=self.max_series)
        self.options = WorkerOptions(
            places=self.places,
            off=self.off,
            builtin=False,
            limit_bytes=256 * 2**20,
            memory_bytes=shared_bytes(DEPTH),
            environment=self.environment,
            parameters=self.parameters,
        )
        limits = StudyLimits(budget_s=self.budget_s, max_failures=self.max_failures, load_s=self.load_s)
        self.supervisor = StudySupervisor(self.trades, self.results, self.options, limits, self.clock)

    def value(self, gauge: str, symbol: str = "A") -> float | None:
        found = [
            value
            for key, value in self.results.series(SystemClock().monotonic_ns())
            if key.gauge == gauge and key.subject.symbol == symbol
        ]
        return found[0] if found else None
