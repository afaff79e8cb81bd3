"""Timelines: trades that go by one event clock, and their windows. One is live, each replayed recording has its own.

A symbol's windows are those of the live timeline once live trades of it have come, else those of the recording that
traded it last: a recording beside a live feed changes none of its numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from analytics.aggregates.buckets import MAX_AHEAD_S, Buckets
from analytics.aggregates.event_clock import MAX_DISORDER_NS, MIN_BEHIND_TRADES, ReplayClock
from analytics.aggregates.rows import Rows
from analytics.aggregates.windows import Windows, window_end_s
from analytics.arrays import SECOND_NS, Ints
from analytics.checkpoint.parts import State
from analytics.cooperative import Steps
from analytics.intake.pending import Trades
from telemetry_schema import WindowName

MAX_REPLAYS: Final = 16
"""Recordings with windows at a time; the one that has been silent for longest is forgotten first."""

_LIVE: Final = -1
"""Owner of the symbols whose windows are live. The others have the source slot of their recording."""

_REPLAY_SLOTS: Final = 2
"""Room for symbols that a recording begins with: most are of one."""


class Timeline:
    """Buckets and windows by one event clock."""

    def __init__(self, *, max_slots: int, slots: int) -> None:
        self.buckets = Buckets(max_slots=max_slots, slots=slots)
        self.windows = Windows(self.buckets)


class _Replay(Timeline):
    """Those of a recording, with columns only for the symbols it trades."""

    def __init__(self, max_slots: int) -> None:
        super().__init__(max_slots=max_slots, slots=min(_REPLAY_SLOTS, max_slots))
        self.clock = ReplayClock()
        self.column_of = np.full(max_slots, -1, np.int64)
        """Of each symbol's slot; −1 for those it has not traded."""
        self._columns = 0

    @property
    def end_s(self) -> int:
        """The first second that is not in its windows. That of its newest trade is: no later one may ever come."""
        return self.clock.newest_ns // SECOND_NS + 1

    def state(self) -> State:
        """Buckets, clock, and which column is whose."""
        return {
            "buckets": self.buckets.state(),
            "clock": self.clock.state(),
            "column_of": self.column_of.copy(),
            "columns": self._columns,
        }

    def restore(self, state: State) -> None:
        """Takes over all of them."""
        self.buckets.restore(state["buckets"])
        self.clock.restore(state["clock"])
        column_of = state["column_of"][: self.column_of.size]
        self.column_of[: column_of.size] = column_of
        self._columns = state["columns"]

    def columns(self, slots: Ints) -> Ints:
        """The columns of these slots; new ones get the next."""
        for slot in slots[self.column_of[slots] < 0].tolist():
            if self.column_of[slot] < 0:
                self.column_of[slot] = self._columns
                self._columns += 1
        self.buckets.reserve(self._columns)
        return self.column_of[slots]

    def fold(self, trades: Trades) -> tuple[int, int, bool, int]:
        """Adds trades.

        Returns:
            How many were late and ahead, whether the recording's clock stepped back, and how many were before that.
        """
        behind = self._first_behind(trades.event_ns)
        if behind is None:
            return *self._fold(trades), 0
        after = np.arange(trades.event_ns.size) >= behind
        first, then = self._fold(trades.select(~after)), self._fold(trades.select(after))
        return first[0] + then[0], first[1] + then[1], first[2] or then[2], behind if then[2] else 0

    @staticmethod
    def _first_behind(event_ns: Ints) -> int | None:
        """From where on all trades are far behind the newest one, if they are enough to be a step of the clock."""
        near = event_ns >= event_ns.max() - MAX_DISORDER_NS
        behind = event_ns.size - int(near[::-1].argmax())
        return behind if event_ns.size - behind >= MIN_BEHIND_TRADES else None

    def _fold(self, trades: Trades) -> tuple[int, int, bool]:
        newest_ns = int(trades.event_ns.max())
        stepped = self.clock.see(newest_ns, len(trades.event_ns))
        if stepped:
            self.buckets.forget_after(newest_ns // SECOND_NS)
        allowed_s = int(trades.received_ns.max()) // SECOND_NS + MAX_AHEAD_S
        late, ahead = self.buckets.fold(
            replace(trades, symbol=self.columns(trades.symbol)), newest_allowed_s=max(allowed_s, newest_ns // SECOND_NS)
        )
        return late, ahead, stepped


@dataclass(frozen=True, slots=True)
class Folded:
    """What folding came to."""

    late: int
    """Trades older than their timeline's buckets."""
    ahead: int
    """Trades too far in the future."""
    stepped: list[int]
    """Slots of symbols whose recording's clock stepped back: what comes next is newer than what was."""
    outdated: Ints
    """Which of the trades were before such a step."""
    oversized: int = 0
    """Trades that count as trades, but not in volume and notional."""


class Timelines:
    """All timelines, and which one each symbol's windows are of."""

    def __init__(self, *, max_slots: int) -> None:
        self._max_slots = max_slots
        self.live = Timeline(max_slots=max_slots, slots=16)
        self._replays: dict[int, _Replay] = {}
        self._stale: set[int] = set()
        self._owner = np.full(max_slots, _LIVE, np.int64)
        self._has_live = np.zeros(max_slots, np.bool_)
        self._newest: _Replay | None = None
        self._live_windows: dict[WindowName, Rows] = {}
        self._merged: dict[WindowName, Rows] = {}
        """The first so many columns of those."""
        self._merged_slots = 0

    def fold(self, trades: Trades, traded: Ints, *, slots: int, now_ns: int) -> Folded:
        """Adds trades of the traded symbols, each to its timeline; slots is how many symbols have one."""
        self.live.buckets.reserve(slots)
        if not trades.replayed.any():
            return self._fold_live(trades, traded, now_ns)
        live = ~trades.replayed
        parts = [self._fold_live(trades.select(live), _traded(trades.symbol[live]), now_ns)] if live.any() else []
        for source in np.flatnonzero(np.bincount(trades.source[trades.replayed])).tolist():
            which = np.flatnonzero(trades.replayed & (trades.source == source))
            part = self._fold_replay(source, trades.select(which))
            parts.append(replace(part, outdated=which[part.outdated]))
        return Folded(
            sum(part.late for part in parts),
            sum(part.ahead for part in parts),
            [slot for part in parts for slot in part.stepped],
            np.concatenate([part.outdated for part in parts]),
        )

    def _fold_live(self, trades: Trades, traded: Ints, now_ns: int) -> Folded:
        self._has_live[traded] = True
        if self._replays:
            self._owner[traded] = _LIVE
        late, ahead = self.live.buckets.fold(trades, newest_allowed_s=now_ns // SECOND_NS + MAX_AHEAD_S)
        return Folded(late, ahead, [], np.arange(0))

    def _fold_replay(self, source: int, trades: Trades) -> Folded:
        traded = _traded(trades.symbol)
        restarted = source in self._stale
        if restarted:
            self.forget_source(source)
        # Put back last: the first is the one that has been silent for longest.
        replay = self._replays.pop(source) if source in self._replays else _Replay(self._max_slots)
        self._replays[source] = replay
        while len(self._replays) > MAX_REPLAYS:
            self.forget_source(next(iter(self._replays)))
        self._newest = replay
        late, ahead, stepped, outdated = replay.fold(trades)
        owned = traded[~self._has_live[traded]]
        self._owner[owned] = source
        return Folded(late, ahead, owned.tolist() if stepped or restarted else [], np.arange(outdated))

    def restart_replays(self) -> None:
        """Ingest was restarted: a recording whose next trade comes begins anew."""
        self._stale.update(self._replays)

    def forget_source(self, source: int) -> None:
        """Forgets the recording of a source."""
        self._stale.discard(source)
        replay = self._replays.pop(source, None)
        if replay is not None:
            self._owner[self._owner == source] = _LIVE
            self._newest = None if self._newest is replay else self._newest

    def forget_symbol(self, slot: int) -> None:
        """Empties a symbol's column everywhere: its slot is for another one now."""
        self._has_live[slot], self._owner[slot] = False, _LIVE
        self.live.buckets.clear_slot(slot)
        for replay in self._replays.values():
            if replay.column_of[slot] >= 0:
                replay.buckets.clear_slot(int(replay.column_of[slot]))

    def state(self) -> State:
        """All timelines, and which one each symbol's windows are of."""
        return {
            "live": self.live.buckets.state(),
            "has_live": self._has_live.copy(),
            "owner": self._owner.copy(),
            "newest": next((source for source, replay in self._replays.items() if replay is self._newest), None),
            "stale": sorted(self._stale),
            "replays": {str(source): replay.state() for source, replay in self._replays.items()},
        }

    def restore(self, state: State) -> None:
        """Takes over all of them."""
        self.live.buckets.restore(state["live"])
        slots = min(len(state["owner"]), self._max_slots)
        self._has_live[:slots], self._owner[:slots] = state["has_live"][:slots], state["owner"][:slots]
        for source, saved in state["replays"].items():
            replay = self._replays[int(source)] = _Replay(self._max_slots)
            replay.restore(saved)
        self._stale = set(state["stale"])
        self._newest = None if state["newest"] is None else self._replays[state["newest"]]

    def clock_ns(self, now_ns: int) -> int:
        """Wall time; the newest trade of the recording that was heard of last while there are no live trades."""
        return now_ns if self._newest is None or self._has_live.any() else self._newest.clock.newest_ns

    def clocks_ns(self, slots: int, now_ns: int) -> Ints:
        """Each symbol's event clock, shape (slots,)."""
        clocks = np.full(slots, now_ns, np.int64)
        for source, replay in self._replays.items():
            clocks[self._owner[:slots] == source] = replay.clock.newest_ns
        return clocks

    def ends_s(self, slots: int, now_ns: int) -> Ints:
        """The first second that is not in each symbol's windows, shape (slots,)."""
        ends = np.full(slots, window_end_s(now_ns), np.int64)
        for source, replay in self._replays.items():
            ends[self._owner[:slots] == source] = replay.end_s
        return ends

    def renew(self, most: int) -> bool:
        """Sums at most that many changed minutes of the first timeline that has more; whether that was all."""
        return all(timeline.windows.renew(most) for timeline in (self.live, *self._replays.values()))

    def steps(self, slots: int, now_ns: int) -> Steps[dict[WindowName, Rows]]:
        """Every window of every symbol, columns of shape (slots,).

        Without recordings the very same object as the last time, if nothing has changed.
        """
        live = yield from self.live.windows.steps(window_end_s(now_ns))
        if live is not self._live_windows or slots != self._merged_slots:
            self._live_windows, self._merged_slots = live, slots
            self._merged = {name: rows.first(slots) for name, rows in live.items()}
        merged = self._merged
        for source, replay in list(self._replays.items()):
            owned = np.flatnonzero(self._owner[:slots] == source)
            if owned.size:
                windows = yield from replay.windows.steps(replay.end_s)
                columns = replay.column_of[owned]
                merged = {name: _put(rows, owned, windows[name], columns) for name, rows in merged.items()}
        return merged

    def groups(self, slots: Sequence[int]) -> list[tuple[Buckets, list[int], list[int]]]:
        """The slots by timeline: its buckets, the slots, and their columns there."""
        chosen = np.array(slots, np.int64)
        live = chosen[self._owner[chosen] == _LIVE]
        groups = [(self.live.buckets, live.tolist(), live.tolist())]
        for source, replay in self._replays.items():
            owned = chosen[self._owner[chosen] == source]
            groups.append((replay.buckets, owned.tolist(), replay.column_of[owned].tolist()))
        return [group for group in groups if group[1]]


def _traded(symbol: Ints) -> Ints:
    """The slots that trade, ascending."""
    return np.flatnonzero(np.bincount(symbol))


def _put(rows: Rows, slots: Ints, other: Rows, columns: Ints) -> Rows:
    """The rows with some symbols replaced. A copy: windows without trades share theirs with the next longer one."""
    copied = {field.name: getattr(rows, field.name).copy() for field in fields(Rows)}
    for name, values in copied.items():
        values[slots] = getattr(other, name)[columns]
    return Rows(**copied)
