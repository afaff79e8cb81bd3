"""Sequence numbers of each source's run: finds losses and duplicates. Pure.

A run is known from the first number seen of it, be it 0 or (ingest was restarted, the run was forgotten) a later one;
from there on a jump is a loss and a step back a duplicate. `dump` and `load` pass the state on to the next process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

RunKey: TypeAlias = tuple[str, str | None]
OTHER = "other"

REPLAY = "replay "
"""Begins the run of a replayed trade, so that it is not mistaken for the venue's live trades. No name begins so.
The next process may replay a recording again: such runs are not saved."""

MAX_JUMP_TRADES = 1_000_000_000
"""A larger jump of the numbers is no loss but a mistake of the sender: it changes nothing."""


@dataclass(slots=True)
class SourceCounts:
    """Trades of one source. `unsequenced` are among the accepted ones.

    `unaccounted` were missing after a crash of ingest: lost, or accepted just before it; at most that many were lost.
    """

    accepted: int = 0
    lost: int = 0
    duplicate: int = 0
    unsequenced: int = 0
    unaccounted: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class RunState:
    """The next number expected of a run, and the counts of its source."""

    next_seq: int
    counts: SourceCounts
    last_ns: int = 0
    unsure: bool = False
    """The number is from before a crash."""


class Span(NamedTuple):
    """The trades of one run in a table: so many from number `first` on, or without numbers.

    `dense` says that each number is one more than the one before.
    """

    first: int | None
    trades: int
    dense: bool


class SequenceResult(NamedTuple):
    """A message's numbers compared with its run: its first `duplicate` trades are old, `lost` are missing before it."""

    duplicate: int
    lost: int


_NEW = SequenceResult(0, 0)


class SequenceTracker:
    """Follows runs, at most `max_runs`: beyond that the tenth that was quiet longest is forgotten.

    Sources beyond `max_sources` are counted together as `other`; `overflow_trades` says how often.
    """

    def __init__(self, *, max_runs: int, max_sources: int, on_gap: Callable[[str, int], None] | None = None) -> None:
        self._max_runs, self._max_sources = max_runs, max_sources
        self._on_gap = on_gap
        self._runs: dict[RunKey, RunState] = {}
        self.sources: dict[str, SourceCounts] = {}
        self.overflow_trades = 0
        self.moves = 0

    def counts_of(self, source: str) -> SourceCounts:
        """The counts of a source, or of `other` once there are too many."""
        counts = self.sources.get(source)
        if counts is None:
            if len(self.sources) >= self._max_sources and source != OTHER:
                return self.counts_of(OTHER)
            counts = self.sources[source] = SourceCounts()
        return counts

    def accept(self, source: str, trades: int, now_ns: int, *, numbered: bool) -> None:
        """Counts accepted trades of a source."""
        counts = self.counts_of(source)
        counts.accepted += trades
        counts.last_ns = now_ns
        if not numbered:
            counts.unsequenced += trades
        if source not in self.sources:
            self.overflow_trades += trades

    def is_new(self, source: str, run: str | None, span: Span) -> bool:
        """Whether none of these trades has come before, as far as their numbers say."""
        if span.first is None or not span.dense:
            return span.dense
        state = self._runs.get((source, run))
        return state is None or span.first >= state.next_seq

    def observe(
        self, source: str, run: str | None, seq: int, count: int, now_ns: int, *, max_jump: int = MAX_JUMP_TRADES
    ) -> SequenceResult:
        """Compares the trades `seq` to `seq + count - 1` with their run; a jump above `max_jump` moves nothing."""
        self.moves += 1
        state = self._runs.get((source, run))
        if state is None:
            self._remember((source, run), RunState(seq + count, self.counts_of(source), now_ns))
            return _NEW
        if abs(seq - state.next_seq) > max_jump:
            return _NEW
        state.last_ns = now_ns
        unsure, state.unsure = state.unsure, False
        if seq == state.next_seq:
            state.next_seq += count
            return _NEW
        if unsure and seq > state.next_seq:
            state.counts.unaccounted += seq - state.next_seq
            state.next_seq = seq + count
            return _NEW
        return self._jump(source, state, seq, count)

    def _jump(self, source: str, state: RunState, seq: int, count: int) -> SequenceResult:
        expected = state.next_seq
        state.next_seq = max(expected, seq + count)
        if seq < expected:
            duplicate = min(count, expected - seq)
            state.counts.duplicate += duplicate
            return SequenceResult(duplicate, 0)
        lost = seq - expected
        state.counts.lost += lost
        if self._on_gap:
            self._on_gap(source, lost)
        return SequenceResult(0, lost)

    def _remember(self, key: RunKey, state: RunState) -> None:
        if len(self._runs) >= self._max_runs:
            quiet = sorted(self._runs, key=lambda old: self._runs[old].last_ns)
            for old in quiet[: max(1, len(quiet) // 10)]:
                del self._runs[old]
        self._runs[key] = state

    def dump(self) -> list[dict[str, str | int | None]]:
        """The runs, as plain values."""
        return [
            {
                "source": source,
                "run": run,
                "next_seq": state.next_seq,
                "last_ns": state.last_ns,
                "unsure": state.unsure,
            }
            for (source, run), state in self._runs.items()
            if not str(run).startswith(REPLAY)
        ]

    def load(self, runs: Sequence[tuple[str, str | None, int, int, bool]], *, exact: bool) -> None:
        """Takes over what an earlier process knew: source, run, next_seq, last_ns, unsure. Not exact after a crash."""
        for source, run, next_seq, last_ns, unsure in runs:
            state = RunState(next_seq, self.counts_of(source), last_ns, unsure=unsure or not exact)
            self._remember((source, run), state)
