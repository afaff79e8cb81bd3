"""`sim://`: a simulated market as a feed, in real time.

Deterministic for a seed and a clock. Each trade is delivered when it happens, or up to `_REST_NS` later where many do.
"""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final, NamedTuple

from ingest.feeds.base import MAX_BURST_FRAMES, Feed, FeedBurst, FeedTrade
from ingest.feeds.market import SimulatedMarket
from telemetry_runtime import Clock
from telemetry_schema import Side

_REST_NS: Final = 5_000_000
"""The least time between two deliveries: 200 wake-ups a second, whatever the rate."""
_AHEAD_NS: Final = 1_000_000_000
"""How far the next trade is looked for before sleeping; at low rates there may be none for long."""
_BEHIND_NS: Final = 5_000_000_000
"""After a longer stop (a suspended machine) the market goes on from now instead of catching up."""

_SIDES: Final[tuple[Side, ...]] = ("sell", "buy")


@dataclass(frozen=True)
class SimSettings:
    """What to simulate."""

    DEFAULT_RATE: ClassVar[float] = 50.0
    DEFAULT_BURST: ClassVar[float] = 0.5

    symbols: tuple[str, ...]
    rate: float = DEFAULT_RATE
    """Trades per second over all symbols, in the mean."""
    seed: int | None = None
    """Random if None."""
    burst: float = DEFAULT_BURST
    """Share of the trades that are set off by others: 0 is an even flow."""


class SimFeed(Feed):
    """Simulated trades as they become due, numbered without gaps.

    The market lives in monotonic time, so that a wall clock that is set neither stops nor floods it. A trade's times
    are wall time, as of its delivery.
    """

    def __init__(self, name: str, settings: SimSettings, clock: Clock, rng: Random) -> None:
        super().__init__(name)
        self._settings = settings
        self._clock = clock
        self._seed = rng.getrandbits(32) if settings.seed is None else settings.seed
        # Two simulations may run at once, even with one seed.
        self._run = f"{clock.now_ns()}-{rng.getrandbits(32):08x}"

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """Trades without end."""
        tape = _Tape(self._settings, self._seed, self._run, self._clock.monotonic_ns())
        while True:
            now_ns = self._clock.monotonic_ns()
            tape.make(now_ns)
            for trades in tape.due(now_ns, self._clock.now_ns()):
                # Closed here nothing is lost: simulated trades that nobody took never happened.
                yield FeedBurst(trades)
                await self._clock.sleep(0)
            await self._clock.sleep(tape.rest_s(now_ns))


class _Made(NamedTuple):
    """A trade before it is due; its time is monotonic."""

    at_ns: int
    symbol: str
    side: Side
    qty: float
    price: float


class _Tape:
    """The market's trades: made, and not yet due."""

    def __init__(self, settings: SimSettings, seed: int, run: str, start_ns: int) -> None:
        self._market = SimulatedMarket(settings.symbols, settings.rate, settings.burst, seed, start_ns)
        self._symbols = settings.symbols
        self._run = run
        self._seq = 0
        self._ahead: list[_Made] = []

    def make(self, now_ns: int) -> None:
        """Makes what has happened until now, a burst and a slice of it at most, or else the next trade to come."""
        market = self._market
        market.skip_to(now_ns - _BEHIND_NS)
        while len(self._ahead) < MAX_BURST_FRAMES and market.next_ns <= (now_ns if self._ahead else now_ns + _AHEAD_NS):
            made = market.next_slice()
            self._ahead += map(
                _Made,
                made.event_ns.tolist(),
                [self._symbols[index] for index in made.symbol.tolist()],
                [_SIDES[buy] for buy in made.buys.tolist()],
                made.qty.tolist(),
                made.price.tolist(),
            )

    def due(self, now_ns: int, wall_ns: int) -> Iterator[list[FeedTrade]]:
        """What happened until `now_ns`, which is `wall_ns` in wall time, in bursts."""
        while self._ahead and self._ahead[0].at_ns <= now_ns:
            burst = [made for made in self._ahead[:MAX_BURST_FRAMES] if made.at_ns <= now_ns]
            del self._ahead[: len(burst)]
            yield [self._trade(made, wall_ns - (now_ns - made.at_ns), wall_ns) for made in burst]

    def rest_s(self, now_ns: int) -> float:
        """Seconds until there is something to deliver or to make."""
        due_ns = self._ahead[0].at_ns if self._ahead else self._market.next_ns
        return max(due_ns - now_ns, _REST_NS) / 1e9

    def _trade(self, made: _Made, event_ns: int, wall_ns: int) -> FeedTrade:
        seq, self._seq = self._seq, self._seq + 1
        return FeedTrade(
            source="sim",
            symbol=made.symbol,
            side=made.side,
            qty=made.qty,
            price=made.price,
            event_ns=event_ns,
            # Published when it is handed over: what the simulation's own rhythm costs is no latency of the wire.
            sent_ns=wall_ns,
            received_ns=wall_ns,
            run=self._run,
            seq=seq,
        )
