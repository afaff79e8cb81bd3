"""The sequence numbers of a run whose sender sends again what was not acknowledged. Pure.

    0 ............................ next_seq ............................
    │ taken, or given up           │ only this one is taken            │

Nothing is late and nothing is lost: what comes behind a missing number is refused, and comes again. So one number says
what was taken, and what is below it is a duplicate, whatever its times.
"""

from ingest.checking.missing import Missing
from ingest.checking.run_window import Observation, RunWindow, Stamps


class StrictWindow(RunWindow):
    """The numbers of one run; `next_seq` is the one that is taken next."""

    __slots__ = ("was_passed_over",)

    def __init__(self, next_seq: int, newest_event_ns: int, newest_sent_ns: int, *, is_unsure: bool = False) -> None:
        super().__init__(next_seq, next_seq, newest_event_ns, newest_sent_ns, is_unsure=is_unsure, gaps=[])
        self.was_passed_over = False
        """A later number came since somebody looked: the one that is expected was lost on its way."""

    def is_near(self, seq: int) -> bool:
        """Whether it is the number that is expected."""
        return seq == self.next_seq

    def is_ahead(self, seq: int) -> bool:
        """Whether a number before it is missing; takes note of it."""
        if seq <= self.next_seq:
            return False
        self.was_passed_over = True
        return True

    def observe(self, seq: int, count: int, stamps: Stamps) -> Observation:
        """Takes what goes on with the run."""
        start, end = self.next_seq, seq + count
        if self.is_ahead(seq) or end <= start:
            return Observation(())
        self.go_on(end, stamps)
        return Observation(((start, end),))

    def mark(self, seq: int, count: int) -> Observation:
        """Takes the numbers of a refused message, if they go on with the run."""
        return self.observe(seq, count, (0, 0, 0))

    def reach(self, next_seq: int, *, is_end: bool) -> Observation:  # noqa: ARG002 - what plain runs need
        """Takes nothing: what has not come yet will come. The sender's word is behind its messages on the same way."""
        self.is_ahead(next_seq)
        return Observation(())

    def give_up(self, first_seq: int) -> Observation:
        """The sender holds nothing below `first_seq`: what did not come until now is missing for good."""
        missing = first_seq - self.next_seq
        if missing <= 0:
            return Observation(())
        kind = Missing.UNACCOUNTED if self.is_unsure else Missing.LOST
        self.go_on(first_seq, (0, 0, 0))
        return Observation((), 0, missing) if kind is Missing.UNACCOUNTED else Observation((), missing)
