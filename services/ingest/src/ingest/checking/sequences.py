"""Sequence numbers of each source's runs: finds losses, duplicates and restarts. Pure.

A run is known from the first number seen of it, be it 0 or (ingest was restarted, the run was forgotten) a later one.
`dump` and `load` pass the state on to the next process.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from ingest.checking.missing import Gap, Missing
from ingest.checking.run_window import MAX_JUMP_TRADES, Observation, RunWindow, Span, Stamps
from ingest.checking.source_counts import SourceTable
from ingest.checking.strict_window import StrictWindow

RunKey: TypeAlias = tuple[str, str | None]
"""Source and run."""

REPLAY: Final = "\0replay "
"""Begins the run of a replayed trade, so that it is not mistaken for the venue's live trades. No name begins so.
The next process may replay a recording again: such runs are not saved."""


MAX_ASKED_SHARE: Final = 4
"""Runs that were asked about and have sent nothing are at most one in so many: a flood of questions takes the place of
no run that sends."""

_EXPIRY_INTERVAL_NS: Final = 60_000_000_000
"""How often all runs are looked through for quiet ones."""


class RunSpan(NamedTuple):
    """The trades of one run in a table: so many from number `first` on, or without numbers.

    `dense` says that each number is one more than the one before.
    """

    first: int | None
    trades: int
    dense: bool
    stamps: Stamps


class SequenceResult(NamedTuple):
    """A message's numbers compared with its run: `duplicate` of its trades were seen before, `new` were not."""

    duplicate: int
    lost: int
    new: tuple[Span, ...]
    """Numbers, from the first to before the second."""


AHEAD: Final = SequenceResult(0, 0, ())
"""Of a strict run: a number before it is missing, and both will come again."""


class SavedRun(NamedTuple):
    """One run as it is passed on to the next process."""

    source: str
    run: str | None
    first: int
    next_seq: int
    newest_event_ns: int
    newest_sent_ns: int
    last_ns: int
    """When it was active last, UTC epoch nanoseconds."""
    unsure: bool
    gaps: tuple[Span, ...]
    """Missing numbers, of the newest gaps. Whether they were lost is counted in the process that missed them."""
    strict: bool = False
    """Its sender sends again what was not acknowledged."""


class _Run:
    """The window of a run, and when it was active: by the count of moves, and in monotonic time."""

    __slots__ = ("active_ns", "move", "window")

    def __init__(self, window: RunWindow, move: int, active_ns: int) -> None:
        self.window, self.move, self.active_ns = window, move, active_ns


class SequenceTracker:
    """Follows runs, at most `max_runs`: beyond that the tenth that was quiet longest is forgotten.

    Args:
        max_runs: runs that are followed at a time.
        max_sources: sources with counts of their own.
        run_idle_s: a run that was quiet for longer is forgotten.
        source_idle_s: a source that was quiet for longer gives its label up to a new one.
        on_gap: called with the source and the number of trades that are missing.
        on_restart: called with source and run when its numbers begin again.
        on_conflict: called with source and run when a trade was dropped whose number another sender has used.
    """

    def __init__(
        self,
        *,
        max_runs: int,
        max_sources: int,
        run_idle_s: float = float("inf"),
        source_idle_s: float = 3600.0,
        on_gap: Callable[[str, int], None] | None = None,
        on_restart: Callable[[str, str | None], None] | None = None,
        on_conflict: Callable[[str, str | None], None] | None = None,
    ) -> None:
        self._max_runs, self._run_idle_ns = max_runs, run_idle_s * 1e9
        self._on_gap, self._on_restart, self._on_conflict = on_gap, on_restart, on_conflict
        self._runs: dict[RunKey, _Run] = {}
        self._asked: dict[RunKey, None] = {}
        """Runs that were asked about before anything of them came, the oldest first; some have sent since."""
        self._changed: set[RunKey] = set()
        self._table = SourceTable(max_sources=max_sources, idle_s=source_idle_s)
        self.sources = self._table.sources
        self.accept = self._table.accept
        self.lacks_runs = False
        """A power cut may have taken whole runs: of one that we do not know, the earlier numbers are missing."""
        self._forgotten: dict[RunKey, int] = {}
        """While it is so: how far runs were that were forgotten here, at most `max_runs`. No power cut took those."""
        self.moves = 0
        self.wall_ns = 0
        """Wall time of the last `tick`."""
        self._next_expiry_ns = 0

    @property
    def overflow_trades(self) -> int:
        """Trades of sources without a label of their own."""
        return self._table.overflow_trades

    def tick(self, now_ns: int, monotonic_ns: int) -> None:
        """Moves the time; forgets the runs that were quiet for too long."""
        self._table.tick(monotonic_ns)
        self.wall_ns = now_ns
        if monotonic_ns >= self._next_expiry_ns:
            self._next_expiry_ns = monotonic_ns + _EXPIRY_INTERVAL_NS
            self._expire(monotonic_ns - self._run_idle_ns)

    def is_new(self, key: RunKey, span: RunSpan) -> bool:
        """Whether these trades certainly have not come before, as far as their numbers say."""
        if span.first is None or not span.dense:
            return span.dense
        run = self._runs.get(key)
        return run is None or run.window.is_near(span.first)

    def goes_on(self, source: str, run: str | None, seq: int, count: int, stamps: Stamps) -> bool:
        """Whether the trades are the next ones of their run, which then moves; if not, nothing is done.

        The short way for nearly all messages: `observe` would come to the same in three times the time.
        """
        key = source, run
        known = self._runs.get(key)
        if known is None or seq != known.window.next_seq:
            return False
        self.moves += 1
        known.move, known.active_ns = self.moves, self._table.now_ns
        self._changed.add(key)
        known.window.go_on(seq + count, stamps)
        return True

    def observe(self, source: str, run: str | None, seq: int, count: int, stamps: Stamps) -> SequenceResult:
        """Compares the trades `seq` to `seq + count - 1` with their run, which they move."""
        known = self._known(source, run)
        if known is None:
            return self._join(source, run, seq, count, stamps)
        if known.window.is_ahead(seq):
            return AHEAD
        return self._result(source, run, count, known.window.observe(seq, count, stamps))

    def mark(self, source: str, run: str | None, seq: int, count: int) -> SequenceResult:
        """Compares the trades of a refused message, so that they are not lost as well; far numbers move nothing."""
        known = self._known(source, run)
        if known is None:
            return SequenceResult(0, 0, ((seq, seq + count),))  # no run is joined where a message is invalid
        if known.window.is_ahead(seq):
            return AHEAD
        return self._result(source, run, count, known.window.mark(seq, count))

    def reach(self, source: str, run: str, next_seq: int, sent_ns: int, *, is_end: bool) -> SequenceResult:
        """Takes a sender's word that it has used all numbers of the run below `next_seq`, so that a loss shows now."""
        known = self._known(source, run)
        if known is not None:
            return self._result(source, run, 0, known.window.reach(next_seq, is_end=is_end))
        # Joined where it is, unless nothing follows.
        return SequenceResult(0, 0, ()) if is_end else self._join(source, run, next_seq, 0, (0, 0, sent_ns))

    def follow(self, source: str, run: str, first_seq: int) -> bool:
        """The sender of a run sends again what is not acknowledged, from `first_seq` on: from now on the run is strict.

        Whether it is; a run that has begun otherwise goes on as it is, unless it was strict, forgotten, and joined
        anew by the very message that its sender still holds.
        """
        known = self._known(source, run)
        if known is None:
            self._forget_asked()
            self._remember((source, run), _Run(StrictWindow(first_seq, 0, 0), self.moves, self._table.now_ns))
            self._asked[source, run] = None
            self._count_forgotten(source, run, first_seq)
            return True
        if not isinstance(known.window, StrictWindow):
            window = known.window
            if window.first != window.next_seq and not window.is_joined_at(first_seq):
                return False
            self._count_forgotten(source, run, window.first)
            known.window = StrictWindow(known.window.next_seq, 0, 0, is_unsure=known.window.is_unsure)
        if first_seq - known.window.next_seq > MAX_JUMP_TRADES:
            return False
        self._result(source, run, 0, known.window.give_up(first_seq))
        return True

    def _count_forgotten(self, source: str, run: str, first_seq: int) -> None:
        """Counts what came before of a strict run, whose numbers begin at 0, that a power cut may have taken."""
        missing = first_seq - self._forgotten.get((source, run), 0)
        if self.lacks_runs and 0 < missing <= MAX_JUMP_TRADES:
            self._result(source, run, 0, Observation((), unaccounted=missing))

    def is_ahead(self, key: RunKey, seq: int) -> bool:
        """Whether a number is refused for now, as one before it is missing."""
        window = self.strict(key)
        return window is not None and window.is_ahead(seq)

    def strict(self, key: RunKey) -> StrictWindow | None:
        """The numbers of a run, if it is strict."""
        known = self._runs.get(key)
        return known.window if known is not None and isinstance(known.window, StrictWindow) else None

    def move_of(self, key: RunKey) -> int:
        """Changes with each message of the run; -1 while it is not known."""
        known = self._runs.get(key)
        return -1 if known is None else known.move

    def _known(self, source: str, run: str | None) -> _Run | None:
        self.moves += 1
        known = self._runs.get((source, run))
        if known is not None:
            known.move, known.active_ns = self.moves, self._table.now_ns
            self._changed.add((source, run))
        return known

    def _join(self, source: str, run: str | None, seq: int, count: int, stamps: Stamps) -> SequenceResult:
        _, event_ns, sent_ns = stamps
        window = RunWindow(seq, seq + count, event_ns, sent_ns)
        self._remember((source, run), _Run(window, self.moves, self._table.now_ns))
        return SequenceResult(0, 0, ((seq, seq + count),))

    def _result(self, source: str, run: str | None, count: int, seen: Observation) -> SequenceResult:
        new, lost, unaccounted, restarted, conflicts = seen
        duplicate = count - sum(end - start for start, end in new)
        if lost or unaccounted or duplicate or restarted:
            counts = self._table.counts_of(source)
            # Not below 0: the loss may have been counted under a label that the source has given up since.
            counts.lost = max(0, counts.lost + lost)
            counts.unaccounted = max(0, counts.unaccounted + unaccounted)
            counts.duplicate += duplicate
            counts.restarts += restarted
            counts.conflicts += conflicts
        if lost > 0 and self._on_gap:
            self._on_gap(source, lost)
        if restarted and self._on_restart:
            self._on_restart(source, run)
        if conflicts and self._on_conflict:
            self._on_conflict(source, run)
        return SequenceResult(duplicate, max(lost, 0), new)

    def _remember(self, key: RunKey, run: _Run) -> None:
        if len(self._runs) >= self._max_runs:
            quiet = sorted(self._runs, key=lambda old: self._runs[old].move)
            self._forget(quiet[: max(1, len(quiet) // 10)])
        self._runs[key] = run
        self._changed.add(key)

    def _forget_asked(self) -> None:
        """Makes room for one more run that was only asked about."""
        while len(self._asked) >= max(1, self._max_runs // MAX_ASKED_SHARE):
            oldest = next(iter(self._asked))
            del self._asked[oldest]
            known = self._runs.get(oldest)
            if known is not None and known.window.first == known.window.next_seq:
                self._forget([oldest])

    def _forget(self, keys: Iterable[RunKey]) -> None:
        for key in keys:
            self._note_forgotten(key, self._runs.pop(key).window.next_seq)
            self._changed.add(key)

    def _note_forgotten(self, key: RunKey, next_seq: int) -> None:
        """Its sender may come again, and is then not to be counted as one that a power cut took."""
        if self.lacks_runs:
            self._forgotten.pop(key, None)
            if len(self._forgotten) >= self._max_runs:
                del self._forgotten[next(iter(self._forgotten))]
            self._forgotten[key] = next_seq

    def _expire(self, oldest_ns: float) -> None:
        self._forget([key for key, run in self._runs.items() if run.active_ns < oldest_ns])

    def dump(self) -> list[SavedRun]:
        """All runs that outlive the process."""
        return [saved for key in self._runs if (saved := self.saved(key))]

    def take_changed(self) -> set[RunKey]:
        """The runs that have changed, or were forgotten, since the last time."""
        changed, self._changed = self._changed, set()
        return changed

    def saved(self, key: RunKey) -> SavedRun | None:
        """A run as it outlives the process; None if it was forgotten, or is a replay's."""
        run = self._runs.get(key)
        if run is None or is_replay(key):
            return None
        window = run.window
        return SavedRun(
            key[0],
            key[1],
            window.first,
            window.next_seq,
            window.newest_event_ns,
            window.newest_sent_ns,
            run.active_ns + self.wall_ns - self._table.now_ns,
            window.is_unsure,
            tuple([(start, end) for start, end, _ in window.known_gaps]),
            isinstance(window, StrictWindow),
        )

    def load(self, runs: Iterable[SavedRun], *, exact: bool) -> None:
        """Takes over the runs of an earlier process. Not exact after a crash."""
        for saved in sorted(runs, key=lambda run: run.last_ns):
            window = _restored(saved, is_unsure=saved.unsure or not exact)
            # Moves up to here are none of this process, but keep the order.
            active_ns = self._table.now_ns - max(self.wall_ns - saved.last_ns, 0)
            self._remember((saved.source, saved.run), _Run(window, self.moves, active_ns))
        self._expire(self._table.now_ns - self._run_idle_ns)


def _restored(saved: SavedRun, *, is_unsure: bool) -> RunWindow:
    times = saved.newest_event_ns, saved.newest_sent_ns
    if saved.strict:
        return StrictWindow(saved.next_seq, *times, is_unsure=is_unsure)
    gaps = [Gap(start, end, Missing.EARLY) for start, end in saved.gaps]
    return RunWindow(saved.first, saved.next_seq, *times, is_unsure=is_unsure, gaps=gaps or None)


def is_replay(key: RunKey) -> bool:
    """Whether it is the run of replayed trades."""
    return str(key[1]).startswith(REPLAY)
