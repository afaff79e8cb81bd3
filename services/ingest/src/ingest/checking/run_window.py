"""The sequence numbers of one run: which were seen, which are missing. Pure.

    0 ........ first ............................ next_seq ................ island ........
    │  EARLY   │ seen, but for the gaps           │ not seen yet           │ far away,    │
    │ (a gap)  │ (LOST, UNACCOUNTED)              │                        │ not believed │

- A number at `next_seq` moves it. A small jump leaves a gap, whose numbers are missing until they come late.
- A far number, up or down, is an *island*: its trade is accepted, but nothing else is believed. When the next numbers
  follow it, the run goes on there: upwards the numbers in between are missing, downwards with newer times the sender
  has started its numbers again, which is a new *epoch*. When the run goes on where it was, the island was a stray.
- Numbers that begin again where the epoch began, with newer times, are a new epoch at once.

Newer is what was sent later and happened later than all before: a sender that repeats old trades under a new time of
sending repeats them, and a venue that repeats its history does so too. What happened at the same moment as the newest
one is no newer: the fills of an order share their millisecond, and may be sent again. A seen number of a newer trade is
a *conflict*: two senders share the run.

What is below `next_seq` by more than `WINDOW_TRADES` counts as seen; after a restart of ingest also what was in none of
the newest `MAX_GAPS` gaps.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from ingest.checking.missing import Gap, Missing, ScatteredNumbers

WINDOW_TRADES: Final = 65_536
"""How far below the newest number a late one is still recognised as missing; 0.2 s at the highest rate."""

NEAR_TRADES: Final = 4_096
"""A jump up to here is believed at once: what is missing is taken back when it comes."""

MAX_JUMP_TRADES: Final = 1_000_000_000
"""A larger jump is no loss: the sender has changed its numbers."""

MAX_GAPS: Final = 64
"""Gaps that are kept of a run, the newest ones, and passed on to the next process; about 6 kB. The numbers of older
ones are kept as a bit each, at most 8 kB."""

_REORDERED_TRADES: Final = 1_024
"""Numbers this close below the first one seen were only reordered on their way."""

_FOLLOWS_TRADES: Final = 64
"""How many numbers may be missing behind an island that goes on below the run."""


Span: TypeAlias = tuple[int, int]
"""Numbers from the first to before the second."""

Stamps: TypeAlias = tuple[int, int, int]
"""Times of a message by its sender's clock, in ns: when its first trade happened, its newest one, and when it was sent.
"""


_NO_STAMPS: Final = (0, 0, 0)
"""Of a refused message, whose times may be wrong too."""


class Observation(NamedTuple):
    """What a message's numbers mean. `new` are its trades that were not seen before, by number."""

    new: tuple[Span, ...]
    lost: int = 0
    """Trades that are missing before it; negative where it brings missing ones."""
    unaccounted: int = 0
    restarted: bool = False
    """A new epoch begins."""
    conflicts: int = 0
    """Trades that are not new by number, but happened and were sent after all that was seen: no repetition, so another
    sender uses the numbers of this run."""


@dataclass(slots=True)
class _Island:
    start: int
    end: int
    stamps: Stamps
    is_stray: bool = False
    """The run went on elsewhere since."""


class RunWindow:
    """The numbers of one run.

    Args:
        first: the first number seen.
        next_seq: the next number expected.
        newest_event_ns, newest_sent_ns: the newest times seen, by the sender's clock.
        is_unsure: `next_seq` is from before a crash of ingest.
        gaps: missing numbers below `next_seq`, in order.
    """

    __slots__ = (
        "_gaps",
        "_island",
        "_scattered",
        "first",
        "is_unsure",
        "newest_event_ns",
        "newest_sent_ns",
        "next_seq",
    )

    def __init__(
        self,
        first: int,
        next_seq: int,
        newest_event_ns: int,
        newest_sent_ns: int,
        *,
        is_unsure: bool = False,
        gaps: list[Gap] | None = None,
    ) -> None:
        self.first, self.next_seq = first, next_seq
        self.newest_event_ns, self.newest_sent_ns = newest_event_ns, newest_sent_ns
        self.is_unsure = is_unsure
        self._gaps = gaps
        self._scattered: ScatteredNumbers | None = None
        """What is missing below all gaps; hardly any run has some."""
        self._island: _Island | None = None

    @property
    def gaps(self) -> list[Gap]:
        """Missing numbers below `next_seq`, in order: the newest ones."""
        if self._gaps is None:
            # Most runs begin at 0 or never bring a late number: made when it is needed.
            early = Gap(max(0, self.first - WINDOW_TRADES), self.first, Missing.EARLY)
            self._gaps = [early] if self.first else []
        return self._gaps

    @property
    def known_gaps(self) -> list[Gap]:
        """The same, but for the one below `first` as long as nobody has looked into it."""
        return self._gaps or []

    def is_near(self, seq: int) -> bool:
        """Whether the number goes on with the run, without or with a small jump."""
        return 0 <= seq - self.next_seq <= NEAR_TRADES

    def is_joined_at(self, first_seq: int) -> bool:
        """Whether it was joined there, above 0, and all numbers from there on were seen."""
        is_scattered = self._scattered is not None and self._scattered.is_any_from(self.first)
        is_whole = self._island is None and all(gap.end <= self.first for gap in self.gaps)
        return 0 < first_seq == self.first and is_whole and not is_scattered

    def is_ahead(self, _seq: int) -> bool:
        """Whether it cannot be taken before a number that is missing; any can."""
        return False

    def observe(self, seq: int, count: int, stamps: Stamps) -> Observation:
        """Takes the trades `seq` to `seq + count - 1`."""
        end = seq + count
        if seq == self.next_seq:
            self.go_on(end, stamps)
            return Observation(((seq, end),))
        if self.is_near(seq):
            return self._jump(seq, end, stamps)
        if self._island is not None and self._continues(self._island, seq, stamps):
            return self._move_to(self._island, seq, end, stamps)
        if seq > self.next_seq:
            return self._land(seq, end, stamps)
        if seq == self.first and self._is_newer(stamps):
            self._begin(seq, end, stamps)
            return Observation(((seq, end),), restarted=True)
        return self._look_back(seq, end, stamps)

    def reach(self, next_seq: int, *, is_end: bool) -> Observation:
        """Takes the sender's word that it has used all numbers below `next_seq`: what did not come is missing.

        A large jump is believed at the end only, as nothing can follow that confirms it.
        """
        island = self._island
        if island is not None and not island.is_stray and self.next_seq < island.start and island.end <= next_seq:
            if is_end or next_seq - island.end <= NEAR_TRADES:
                return self._move_to(island, next_seq, next_seq, _NO_STAMPS)
        elif 0 <= next_seq - self.next_seq <= (MAX_JUMP_TRADES if is_end else NEAR_TRADES):
            return self._jump(next_seq, next_seq, _NO_STAMPS)
        return Observation(())

    def mark(self, seq: int, count: int) -> Observation:
        """Takes the numbers of a refused message: it may fill a gap or go on with the run, and moves nothing else."""
        end = seq + count
        if self.is_near(seq):
            return self._jump(seq, end, _NO_STAMPS)
        if seq > self.next_seq or seq < self.next_seq - WINDOW_TRADES:
            return Observation(((seq, end),))
        return self._fill(seq, end, _NO_STAMPS)

    def go_on(self, end: int, stamps: Stamps) -> None:
        """Takes the next numbers, up to before `end`."""
        # Written out: this is done for each message, and two calls would be a tenth of its check.
        _, event_ns, sent_ns = stamps
        if event_ns > self.newest_event_ns:  # noqa: PLR1730 - as above
            self.newest_event_ns = event_ns
        if sent_ns > self.newest_sent_ns:  # noqa: PLR1730 - as above
            self.newest_sent_ns = sent_ns
        self.next_seq = end
        self.is_unsure = False
        if self._island is not None:
            self._island.is_stray = True

    def _note(self, stamps: Stamps) -> None:
        _, event_ns, sent_ns = stamps
        self.newest_event_ns = max(self.newest_event_ns, event_ns)
        self.newest_sent_ns = max(self.newest_sent_ns, sent_ns)

    def _is_newer(self, stamps: Stamps) -> bool:
        event_ns, _, sent_ns = stamps
        return sent_ns > self.newest_sent_ns and event_ns > self.newest_event_ns

    def _jump(self, seq: int, end: int, stamps: Stamps) -> Observation:
        missing = seq - self.next_seq
        kind = self._pass_over(seq)
        self.go_on(end, stamps)
        new = ((seq, end),)
        return Observation(new, 0, missing) if kind is Missing.UNACCOUNTED else Observation(new, missing)

    def _pass_over(self, seq: int) -> Missing:
        """The numbers up to `seq` are missing."""
        kind = Missing.UNACCOUNTED if self.is_unsure else Missing.LOST
        if seq > self.next_seq:
            oldest = seq - WINDOW_TRADES
            gaps = [gap for gap in self.gaps if gap.end > oldest]
            gaps.append(Gap(max(self.next_seq, oldest), seq, kind))
            self._keep(gaps, oldest)
        return kind

    def _keep(self, gaps: list[Gap], oldest: int) -> None:
        """Keeps the newest gaps as they are, and of the others the numbers from `oldest` on."""
        for gap in gaps[:-MAX_GAPS]:
            if self._scattered is None:
                self._scattered = ScatteredNumbers()
            self._scattered.add(gap, oldest)
        self._gaps = gaps[-MAX_GAPS:]

    def _begin(self, first: int, end: int, stamps: Stamps) -> None:
        """Begins a new epoch."""
        self.first, self.next_seq = first, end
        self._note(stamps)
        self.is_unsure, self._gaps, self._scattered, self._island = False, None, None, None

    def _continues(self, island: _Island, seq: int, stamps: Stamps) -> bool:
        if island.is_stray:
            return False
        is_above = island.start > self.next_seq
        if not 0 <= seq - island.end <= (NEAR_TRADES if is_above else _FOLLOWS_TRADES):
            return False
        return is_above or self._is_newer(stamps)

    def _move_to(self, island: _Island, seq: int, end: int, stamps: Stamps) -> Observation:
        """The island is confirmed: the run goes on there."""
        missing_behind = seq - island.end
        jumped = island.start - self.next_seq
        if not 0 <= jumped <= MAX_JUMP_TRADES:
            self._begin(island.start, island.end, island.stamps)
            self._jump(seq, end, stamps)
            return Observation(((seq, end),), missing_behind, restarted=True)
        kind = self._pass_over(island.start)
        self.go_on(island.end, island.stamps)
        self._island = None
        self._jump(seq, end, stamps)
        lost, unaccounted = (0, jumped) if kind is Missing.UNACCOUNTED else (jumped, 0)
        return Observation(((seq, end),), lost + missing_behind, unaccounted)

    def _land(self, seq: int, end: int, stamps: Stamps) -> Observation:
        """A number far above the run: accepted, unless it is on the island."""
        island = self._island
        if island is not None and island.start <= seq and end <= island.end:
            return Observation((), conflicts=self._conflicts(end - seq, stamps))
        self._island = _Island(seq, end, stamps)
        return Observation(((seq, end),))

    def _look_back(self, seq: int, end: int, stamps: Stamps) -> Observation:
        """A number below `next_seq`: late, seen before, or the beginning of a new epoch."""
        is_newer = self._is_newer(stamps)
        if seq < self.next_seq - WINDOW_TRADES:
            if not is_newer:
                return Observation(())
            return self._land(seq, end, stamps)
        early_end = self.first - _REORDERED_TRADES
        conflicts = self._conflicts(end - seq, stamps)
        found = self._fill(seq, end, stamps)
        if is_newer and (not found.new or end <= early_end):
            self._island = _Island(seq, end, stamps)
        if conflicts:
            seen = end - seq - sum(stop - start for start, stop in found.new)
            return found._replace(conflicts=min(conflicts, seen))
        return found

    def _conflicts(self, trades: int, stamps: Stamps) -> int:
        """How many of these trades are no repetition, if all numbers were seen: all of a newer message, or none."""
        return trades if self._is_newer(stamps) else 0

    def _fill(self, seq: int, end: int, stamps: Stamps) -> Observation:
        """Takes what is missing out of the gaps; numbers beyond them are new too."""
        found = [] if self._scattered is None else self._scattered.take(seq, end)
        left: list[Gap] = []
        for gap in self.gaps:
            start, stop = max(gap.start, seq), min(gap.end, end)
            if start >= stop:
                left.append(gap)
                continue
            found.append(Gap(start, stop, gap.kind))
            left += [
                part
                for part in (Gap(gap.start, start, gap.kind), Gap(stop, gap.end, gap.kind))
                if part.start < part.end
            ]
        self._keep(left, self.next_seq - WINDOW_TRADES)
        new = [(start, stop) for start, stop, _ in found]
        brought = dict.fromkeys(Missing, 0)
        for start, stop, kind in found:
            brought[kind] += stop - start
        if end > self.next_seq:
            new.append((self.next_seq, end))
            self.go_on(end, stamps)
        return Observation(tuple(new), -brought[Missing.LOST], -brought[Missing.UNACCOUNTED])
