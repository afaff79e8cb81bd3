"""The ledger of messages that every service keeps. Pure."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Outcome: TypeAlias = Literal["accepted", "refused", "duplicate", "ignored"]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(slots=True)
class MessageCounts:
    """Messages by outcome. The outcomes are disjoint, and their sum is what was received."""

    accepted: int = 0
    refused: int = 0
    duplicate: int = 0
    ignored: int = 0

    @property
    def received(self) -> int:
        """All of them."""
        return self.accepted + self.refused + self.duplicate + self.ignored

    def add(self, other: "MessageCounts") -> None:
        """Adds the counts of another ledger."""
        self.accepted += other.accepted
        self.refused += other.refused
        self.duplicate += other.duplicate
        self.ignored += other.ignored

    def by_outcome(self) -> dict[Outcome, int]:
        """Each outcome's count, in the order of the fields."""
        return {outcome: getattr(self, outcome) for outcome in OUTCOMES}
