"""Builds the UI snapshot, several times a second."""

from collections.abc import Callable, Sequence
from math import isfinite
from sys import float_info
from typing import Final, TypeAlias

import numpy as np

from analytics.aggregates.latency import StageView
from analytics.aggregates.recent import Tape
from analytics.aggregates.rows import Rows
from analytics.aggregates.window_statistics import WindowStatistics, window_statistics
from analytics.analysis import Results
from analytics.arrays import SECOND_NS
from analytics.cooperative import Steps
from analytics.engine import Engine
from analytics.intake.ledger import AnalyticsLedger
from analytics.orders.marks import BidAsk
from analytics.state import State
from telemetry_runtime import lost_log_lines
from telemetry_schema import (
    AppliedLedger,
    Bars,
    BestQuote,
    Origin,
    Snapshot,
    SourceSkew,
    StageLatency,
    SymbolSummary,
    TapeTrade,
    WindowName,
    WindowStats,
)

MAX_SYMBOLS: Final = 256
"""Symbols in a snapshot, the ones with the most trades in the last five minutes: more than have a label of their own
unless `ANALYTICS_MAX_SYMBOLS` is raised, so that a symbol somebody looks at does not leave when others get busier."""

RECENT_BARS_S: Final = 5
"""Seconds of every symbol in each snapshot: many times the interval, so that a dropped snapshot leaves no hole."""

HISTORY_S: Final = 600
"""Seconds of the one symbol whose turn it is, for a UI that has just started."""


class Snapshots:
    """Builds snapshots; each holds the history of the next symbol."""

    def __init__(self, engine: Engine, *, run: str, started_ns: int) -> None:
        self._engine, self.run, self._started_ns = engine, run, started_ns
        self._version = 0
        self._market, self._own = _WindowTables(), _WindowTables()

    def steps(self, results: Results) -> Steps[Snapshot]:
        """The snapshot of these results."""
        state = results.state
        slots, own_slots = _busiest(state, "market"), _busiest(state, "own")
        self._version += 1
        version = self._version
        turn = slots[version % len(slots) :][:1] if slots else []
        yield
        marks = self._engine.orders.marks
        symbols = yield from _summaries(state, slots, self._market, marks.bid_ask)
        own = yield from _summaries(state, own_slots, self._own, lambda _symbol: None)
        tape, own_tape = self._tape(self._engine.aggregates.tape), self._tape(self._engine.aggregates.own_tape)
        yield
        recent_bars = self._bars(state, slots, RECENT_BARS_S)
        yield
        history = next(iter(self._bars(state, turn, HISTORY_S)), None)
        yield
        return Snapshot(
            version=version,
            run=self.run,
            at_ns=state.at_ns,
            started_ns=self._started_ns,
            clock_ns=state.clock_ns,
            symbols=symbols,
            symbols_in_all=len(_traded(state, "market")),
            own=own,
            last_trades=tape,
            own_last_trades=own_tape,
            recent_bars=recent_bars,
            history=history,
            latencies={stage: _latency(view) for stage, view in state.latencies.items()},
            skews=[SourceSkew(source=source, skew_ns=skew) for source, skew in state.skews_ns.items()],
            ledger=_ledger(state.ledger),
            log_lines_lost=lost_log_lines(),
        )

    def _tape(self, tape: Tape) -> list[TapeTrade]:
        engine = self._engine
        symbols, sources, accounts = engine.symbols.names, engine.sources.names, engine.accounts.names
        return [
            TapeTrade(
                symbol=symbols[row.symbol].symbol,
                source=sources[row.source],
                side="buy" if row.is_buy else "sell",
                qty=row.qty,
                price=row.price,
                event_ns=row.event_ns,
                applied_ns=row.applied_ns,
                account=accounts[row.account - 1] if row.account else None,
            )
            for row in reversed(tape.rows)
        ]

    def _bars(self, state: State, slots: Sequence[int], length_s: int) -> list[Bars]:
        """The last seconds of each symbol, by its own clock."""
        found: dict[int, Bars] = {}
        for buckets, group, columns in self._engine.aggregates.timelines.groups(slots):
            last = int(state.clocks_ns[group[0]]) // SECOND_NS + 1
            symbols = [state.symbols[slot].symbol for slot in group]
            bars = _bars(symbols, columns, buckets.seconds(last - length_s, last))
            found.update(zip(group, bars, strict=True))
        return [found[slot] for slot in slots]


def _traded(state: State, origin: Origin) -> list[int]:
    """Slots of the symbols that have traded."""
    total = state.totals.trades.sum(axis=0)
    return [slot for slot, key in enumerate(state.symbols) if key.origin == origin and total[slot]]


def _busiest(state: State, origin: Origin) -> list[int]:
    """Slots of the symbols in the snapshot, most trades in the last five minutes first."""
    slots = np.array(_traded(state, origin), np.int64)
    total, recent = state.totals.trades.sum(axis=0), state.windows["5m"].n.astype(np.int64)
    order: list[int] = slots[np.lexsort((-total[slots], -recent[slots]))].tolist()
    return order[:MAX_SYMBOLS]


_WindowTable: TypeAlias = dict[WindowName, list[WindowStats]]
"""By window one for each of some slots."""


class _WindowTables:
    """The windows of some slots as the UI gets them, made anew only when they have changed."""

    def __init__(self) -> None:
        self._windows: dict[WindowName, Rows] | None = None
        self._slots: Sequence[int] = ()
        self._table: _WindowTable = {}

    def steps(
        self, windows: dict[WindowName, Rows], slots: Sequence[int]
    ) -> Steps[dict[WindowName, list[WindowStats]]]:
        """By window one for each slot; a step each."""
        if windows is not self._windows or slots != self._slots:
            table: _WindowTable = {}
            for name, rows in windows.items():
                table[name] = _window_stats(window_statistics(rows), slots)
                yield
            self._windows, self._slots, self._table = windows, slots, table
        return self._table


def _summaries(
    state: State, slots: Sequence[int], tables: _WindowTables, bid_ask: Callable[[str], BidAsk | None]
) -> Steps[list[SymbolSummary]]:
    windows = yield from tables.steps(state.windows, slots)
    return [
        _summary(state, slot, {name: window[i] for name, window in windows.items()}, bid_ask)
        for i, slot in enumerate(slots)
    ]


def _summary(
    state: State, slot: int, windows: dict[WindowName, WindowStats], bid_ask: Callable[[str], BidAsk | None]
) -> SymbolSummary:
    totals, quote = state.totals, bid_ask(state.symbols[slot].symbol)
    return SymbolSummary(
        symbol=state.symbols[slot].symbol,
        last_price=float(totals.last_price[slot]),
        last_trade_ns=int(totals.last_event_ns[slot]),
        trades=int(totals.trades[:, slot].sum()),
        buy_volume=_sum(float(totals.volume[0, slot])),
        sell_volume=_sum(float(totals.volume[1, slot])),
        windows=windows,
        clock_ns=int(state.clocks_ns[slot]),
        quote=BestQuote(bid=quote.bid, ask=quote.ask, event_ns=quote.at_ns) if quote else None,
    )


def _window_stats(values: WindowStatistics, slots: Sequence[int]) -> list[WindowStats]:
    columns = [getattr(values, name)[slots].tolist() for name in _COLUMNS]
    return [
        WindowStats(
            trades=trades,
            buy_volume=_sum(buy_volume),
            sell_volume=_sum(sell_volume),
            **dict(zip(_COLUMNS[3:], map(_known, averages), strict=True)),
        )
        for trades, buy_volume, sell_volume, *averages in zip(*columns, strict=True)
    ]


_COLUMNS: Final = tuple(WindowStats.model_fields)
"""The first three are the trades and the volumes, which there are none of rather than unknown."""


def _bars(symbols: Sequence[str], slots: Sequence[int], parts: Sequence[tuple[int, Rows]]) -> list[Bars]:
    """The bars of each symbol, which is in that slot; parts are consecutive seconds, each with its first one."""
    if not parts:
        return [_symbol_bars(symbol, [], [[]] * len(_BAR_COLUMNS)) for symbol in symbols]
    seconds = np.concatenate([np.arange(first, first + len(rows.n)) for first, rows in parts])
    traded = np.concatenate([rows.n[:, slots] for _, rows in parts]) > 0
    columns = [np.concatenate([getattr(rows, name)[:, slots] for _, rows in parts]) for name in _BAR_COLUMNS]
    return [
        _symbol_bars(symbol, seconds[there].tolist(), [column[there, i].tolist() for column in columns])
        for i, (symbol, there) in enumerate(zip(symbols, traded.T, strict=True))
    ]


_BAR_COLUMNS: Final = ("open", "high", "low", "close", "buy_volume", "sell_volume")


def _symbol_bars(symbol: str, seconds: list[int], columns: list[list[float]]) -> Bars:
    *prices, buy_volume, sell_volume = columns
    opens, highs, lows, closes = prices
    return Bars(
        symbol=symbol,
        second=seconds,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        buy_volume=list(map(_sum, buy_volume)),
        sell_volume=list(map(_sum, sell_volume)),
    )


def _latency(view: StageView) -> StageLatency:
    return StageLatency(
        count=view.recent_count, p50_ns=view.p50_ns, p90_ns=view.p90_ns, p99_ns=view.p99_ns, max_ns=view.max_ns
    )


def _ledger(ledger: AnalyticsLedger) -> AppliedLedger:
    return AppliedLedger(
        batches=sum(ledger.batches.values()),
        refused_batches=ledger.batches["refused"],
        applied=ledger.applied,
        duplicate=ledger.duplicate,
        lost=ledger.lost,
        late=ledger.late + ledger.ahead,
    )


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _sum(value: float) -> float:
    """JSON has no infinity: a sum that overflowed becomes the largest number there is."""
    return min(value, float_info.max)
