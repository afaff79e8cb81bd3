"""`sim-orders://`: a simulated bot as a feed, in real time. Its messages are checked as those of any bot."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from ingest.feeds.base import MAX_BURST_FRAMES, Feed, FeedBurst
from ingest.feeds.bot_orders import SimulatedOrders
from ingest.feeds.order_bot import ENDED_AFTER_NS, LOST_RATIO, LOT_QTY, REJECTED_RATIO, SYMBOLS, SimulatedBot
from telemetry_runtime import Clock

_REST_NS: Final = 5_000_000
"""The least time between two deliveries."""
_BEHIND_NS: Final = 5_000_000_000
"""After a longer stop (a suspended machine) a new bot begins instead of catching up."""


@dataclass(frozen=True)
class SimOrdersSettings:
    """What to simulate."""

    DEFAULT_RATE: ClassVar[float] = 2.0

    bot: str
    """Its source, and its account."""
    rate: float = DEFAULT_RATE
    """Orders per second, in the mean."""
    seed: int | None = None
    """Random if None."""
    differ_qty: float = 0.0
    """What its peer's position reports are off by, units of base."""
    lost_ratio: float = LOST_RATIO
    """How many of the fills before an order's last one are lost."""
    rejected_ratio: float = REJECTED_RATIO
    """How many orders are rejected."""
    symbols: tuple[str, ...] = tuple(SYMBOLS)
    lot_qty: float = LOT_QTY
    """An order is of one to twenty lots, units of base."""
    has_reports: bool = True
    """Its peer reports positions; those of a bot that begins anew begin at nothing."""


class SimOrdersFeed(Feed):
    """The messages of a simulated bot as they become due; like `SimFeed` it lives in monotonic time."""

    def __init__(self, name: str, settings: SimOrdersSettings, clock: Clock, rng: Random) -> None:
        super().__init__(name)
        self._settings, self._clock = settings, clock
        self._seed = rng.getrandbits(32) if settings.seed is None else settings.seed
        self._starts = 0
        self.open_orders = SimulatedOrders()
        """What the bot's venue has open by the bursts so far."""
        self._run = f"{clock.now_ns()}-{rng.getrandbits(32):08x}"

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """Messages without end."""
        bot = self._bot()
        while True:
            now_ns = self._clock.monotonic_ns()
            if now_ns - bot.next_ns > _BEHIND_NS:
                bot = self._bot()
            while frames := bot.due(now_ns, self._clock.now_ns(), most=MAX_BURST_FRAMES):
                # Closed here nothing is lost: what nobody took never happened.
                yield FeedBurst([], messages=frames)
                await self._clock.sleep(0)
            await self._clock.sleep(max(bot.next_ns - now_ns, _REST_NS) / 1e9)

    def _bot(self) -> SimulatedBot:
        self._starts += 1
        settings = self._settings
        return SimulatedBot(
            name=settings.bot,
            run=f"{self._run}-{self._starts}",
            seed=self._seed + self._starts,
            rate=settings.rate,
            start_ns=self._clock.monotonic_ns(),
            differ_qty=settings.differ_qty,
            lost_ratio=settings.lost_ratio,
            rejected_ratio=settings.rejected_ratio,
            symbols={symbol: _first_mid(symbol) for symbol in settings.symbols},
            lot_qty=settings.lot_qty,
            has_reports=settings.has_reports,
            orders=self.open_orders,
        )


class LeftOrdersFeed(Feed):
    """Cancels the orders of a simulated bot that is simulated no more, and ends: its venue goes with it.

    Named as the bot's own feed was; who takes it into the settings again begins without orders.
    """

    def __init__(self, name: str, clock: Clock, rng: Random) -> None:
        super().__init__(name)
        self._clock = clock
        self._run = f"{clock.now_ns()}-{rng.getrandbits(32):08x}-left"
        self.open_orders = SimulatedOrders()
        """What the bot has left."""

    async def bursts(self) -> AsyncGenerator[FeedBurst, None]:
        """For each order what its venue says of it last, and its cancel."""
        start_ns = self._clock.monotonic_ns()
        bot = SimulatedBot(
            name=self.name.partition("://")[2],
            run=self._run,
            seed=0,
            rate=SimOrdersSettings.DEFAULT_RATE,
            start_ns=start_ns,
            symbols={},  # it quotes nothing
            has_reports=False,
            orders=self.open_orders,
        )
        while frames := bot.due(start_ns + ENDED_AFTER_NS, self._clock.now_ns(), most=MAX_BURST_FRAMES):
            yield FeedBurst([], messages=frames)
            await self._clock.sleep(0)


def _first_mid(symbol: str) -> float:
    """That of the symbol with the same first word, BTC-PERP-USD as BTC-USD; else a thousand."""
    base = symbol.partition("-")[0]
    return next((mid for known, mid in SYMBOLS.items() if known.partition("-")[0] == base), 1_000.0)
