"""Saves the state of analytics at intervals and at its end, off the event loop, and restores it at the start."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

import structlog

from analytics.checkpoint.parts import State
from analytics.checkpoint.store import KEPT, CheckpointStore
from analytics.cooperative import run_cooperatively
from analytics.engine import Engine
from analytics.intake.labels import ORIGINS, OTHER
from analytics.intake.streams import Positions
from telemetry_runtime import Clock

FIRST_S: Final = 0.05
"""How soon the first stream is looked for again."""


class Checkpointer:
    """Saves an engine.

    Args:
        engine: what is saved.
        store: where.
        clock: to wait with.
        reading: held by whoever reads the engine in steps.
        on_saved: called when ingest may drop more of its log.
    """

    def __init__(
        self,
        engine: Engine,
        store: CheckpointStore,
        *,
        clock: Clock,
        reading: asyncio.Lock,
        on_saved: Callable[[], None],
    ) -> None:
        self._engine, self._store, self._clock = engine, store, clock
        self._reading, self._on_saved = reading, on_saved
        self._saving = asyncio.Lock()
        self._positions: deque[Positions] = deque(maxlen=KEPT)
        """Of the checkpoints that are kept, the newest last."""
        self._is_failing = False
        """A disk that fails goes on failing: it is said each time that it begins."""
        self._log = structlog.get_logger("checkpoint")

    async def keep(self, interval_s: float) -> None:
        """Saves at intervals, for ever; the first time as soon as there is a stream."""
        while not self._engine.streams.positions():
            await self._clock.sleep(min(FIRST_S, interval_s))
        while True:
            await self.save()
            await self._clock.sleep(interval_s)

    async def save(self) -> None:
        """Saves what has changed. A disk that does not take it is logged and counted: ingest then keeps its log.

        Cancelled here nothing is lost: a checkpoint is written whole or not at all.
        """
        async with self._saving:
            if len(self._positions) == KEPT and all(
                each == self._engine.streams.positions() for each in self._positions
            ):
                return
            async with self._reading:
                capture = await run_cooperatively(self._engine.capture(self._store))
            try:
                await asyncio.to_thread(self._store.save, capture)
            except OSError as error:
                if not self._is_failing:
                    self._log.error("checkpoint_unwritable", error=str(error))
                self._is_failing = True
                self._engine.ledger.checkpoints_failed += 1
                return
            self._is_failing = False
            self._engine.ledger.checkpoints += 1
            self._positions.append({name: (epoch, seq) for name, (seq, epoch, _) in capture.tree["streams"].items()})
        if len(self._positions) == KEPT:
            # Should the newest checkpoint be damaged, the older one and the log must be enough.
            self._engine.streams.checkpointed(self._positions[0])
            self._on_saved()


def _symbols_in(state: State) -> int:
    """How many symbols of each origin must be allowed, for all that have a label to keep it."""
    keys, free = state["symbols"]["keys"], set(state["symbols"]["free"])
    named = Counter(origin for slot, (symbol, origin) in enumerate(keys) if symbol != OTHER and slot not in free)
    return max([*named.values(), len(keys) // len(ORIGINS) - 1])


def restored_engine(
    store: CheckpointStore,
    make: Callable[[int, int], Engine],
    max_symbols: int,
    max_sources: int,
    *,
    now_ns: int,
    monotonic_ns: int,
) -> Engine:
    """An engine with the state of the newest checkpoint, or an empty one. Waits for the disk.

    Args:
        store: the checkpoints.
        make: makes an engine for that many symbols and sources.
        max_symbols: symbols with a label; those that are in the checkpoint keep theirs, also if there are more.
        max_sources: the same for sources.
        now_ns: the time now.
        monotonic_ns: the same in monotonic time.
    """
    engine, has_orders = make(max_symbols, max_sources), True

    def take(state: State) -> None:
        nonlocal engine, has_orders
        fresh = make(max(max_symbols, _symbols_in(state)), max(max_sources, len(state["sources"]["keys"]) - 1))
        fresh.restore(state, now_ns=now_ns, monotonic_ns=monotonic_ns)
        engine, has_orders = fresh, "orders" in state

    if store.load(take):
        log = structlog.get_logger("checkpoint")
        if not has_orders:
            log.warning("checkpoint_without_orders", hint="of an earlier version: orders begin with what comes now")
        log.info("checkpoint_restored", applied_trades=engine.ledger.applied, streams=engine.streams.positions())
    return engine
