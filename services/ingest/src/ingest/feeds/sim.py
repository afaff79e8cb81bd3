"""`sim://`: a simulated market as a feed, in real time.

Deterministic for a seed and a clock. Each trade is delivered when it happens, or up to `_REST_NS` later where many do.
"""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final, Literal

from ingest.feeds.base import MAX_BURST_FRAMES, FeedBurst, FeedTrade
from ingest.feeds.market import Market, Slice
from telemetry_runtime import Clock

_REST_NS: Final = 5_000_000
"""The least time between two deliveries: 200 wake-ups a second, whatever the rate."""
_AHEAD_NS: Final = 1_000_000_000
"""How far the next trade is looked for before sleeping; at low rates there may be none for long."""
_BEHIND_NS: Final = 5_000_000_000
"""After a longer stop (a suspended machine) the market goes on from now instead of catching up."""

_SIDES: Final[tuple[Literal["buy", "sell"], ...]] = ("sell", "buy")


@dataclass(frozen=True)
class SimSettings:
    """What to simulate."""

    DEFAULT_RATE: ClassVar[float] = 50.0
    DEFAULT_BURST: ClassVar[float] = 0.5

    symbols: tuple[str, ...]
    rate: float = DEFAULT_RATE
    """Trades per second over all symbols, in the mean."""
    seed: int | None = None
    """Drawn by chance if None."""
    burst: float = DEFAULT_BURST
    """Share of the trades that are set off by others: 0 is an even flow."""


class SimFeed:
    """Simulated trades as they become due, numbered without gaps."""

    def __init__(self, name: str, settings: SimSettings, clock: Clock, rng: Random) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._seed = rng.getrandbits(32) if settings.seed is None else settings.seed
        # Two simulations may run at once, even with one seed.
        self._run_suffix = f"{rng.getrandbits(32):08x}"

    @property
    def name(self) -> str:
        """The URI without its options."""
        return self._name

    @property
    def replayed(self) -> bool:
        """False: its times are now."""
        return False

    @property
    def waiting_for(self) -> str | None:
        """The simulation never waits for anything."""
        return None

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """Trades without end."""
        start_ns = self._clock.now_ns()
        settings = self._settings
        market = Market(settings.symbols, settings.rate, settings.burst, self._seed, start_ns)
        tape = _Tape(settings.symbols, f"{start_ns}-{self._run_suffix}")
        while True:
            now_ns = self._clock.now_ns()
            market.skip_to(now_ns - _BEHIND_NS)
            while market.next_ns <= now_ns or (tape.empty and market.next_ns <= now_ns + _AHEAD_NS):
                tape.add(market.next_slice())
                for trades in tape.due(now_ns):
                    # Closed here nothing is lost: simulated trades that nobody took never happened.
                    yield FeedBurst(len(trades), trades, 0, [], replayed=False)
                    await self._clock.sleep(0)
            for trades in tape.due(now_ns):
                yield FeedBurst(len(trades), trades, 0, [], replayed=False)
                await self._clock.sleep(0)
            due_ns = market.next_ns if tape.empty else tape.next_ns
            await self._clock.sleep(max(due_ns - now_ns, _REST_NS) / 1e9)


class _Tape:
    """Trades that are made and not yet due."""

    def __init__(self, symbols: tuple[str, ...], run: str) -> None:
        self._symbols = symbols
        self._run = run
        self._seq = 0
        self._ahead: list[tuple[int, str, Literal["buy", "sell"], float, float]] = []

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._ahead

    @property
    def next_ns(self) -> int:
        """When the next trade is due."""
        return self._ahead[0][0]

    def add(self, made: Slice) -> None:
        """Appends a slice, later than all before it."""
        symbols = self._symbols
        self._ahead += zip(
            made.event_ns.tolist(),
            [symbols[index] for index in made.symbol.tolist()],
            [_SIDES[buy] for buy in made.buys.tolist()],
            made.qty.tolist(),
            made.price.tolist(),
            strict=True,
        )

    def due(self, now_ns: int) -> Iterator[list[FeedTrade]]:
        """What happened until now, in bursts."""
        while self._ahead and self._ahead[0][0] <= now_ns:
            burst = [row for row in self._ahead[:MAX_BURST_FRAMES] if row[0] <= now_ns]
            del self._ahead[: len(burst)]
            yield self._trades(burst, now_ns)

    def _trades(
        self, rows: list[tuple[int, str, Literal["buy", "sell"], float, float]], now_ns: int
    ) -> list[FeedTrade]:
        run, seq = self._run, self._seq
        self._seq += len(rows)
        return [
            # Published when it is handed over: what the simulation's own rhythm costs is no latency of the wire.
            FeedTrade("sim", run, number, symbol, side, qty, price, event_ns, now_ns, now_ns)
            for number, (event_ns, symbol, side, qty, price) in enumerate(rows, seq)
        ]
