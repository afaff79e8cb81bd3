"""The desk's outcome of a burst: one decision for each command. Pure."""

from dataclasses import dataclass, field
from uuid import UUID

from ingest.checking.outcomes import Command, Refusal
from telemetry_runtime import MessageCounts
from telemetry_schema import CommandResult, OrderEvent, encode


@dataclass(frozen=True, slots=True)
class PaperTrade:
    """A fill: the fields of a `Trade` of the paper account."""

    source: str
    symbol: str
    side: str
    qty: float
    price: float
    event_ns: int
    sent_ns: int
    account: str
    id: str
    """The command's."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for the UI, the outcome and reason it is counted under, the fill if there is one."""

    result: CommandResult
    outcome: str
    """accepted, refused or duplicate."""
    reason: str = ""
    fill: PaperTrade | None = None


@dataclass(slots=True)
class DeskOutcome:
    """The decisions about the commands of a burst, in their order."""

    decisions: list[Decision] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    tally: MessageCounts = field(default_factory=MessageCounts)
    events: list[OrderEvent] = field(default_factory=list)
    """What happened to the orders that the commands were."""

    def add(self, command: Command, decision: Decision) -> None:
        """Adds the decision about a command."""
        self.decisions.append(decision)
        if decision.outcome == "accepted":
            self.tally.accepted += 1
        elif decision.outcome == "duplicate":
            self.tally.duplicate += 1
        else:
            self.tally.refused += 1
            text = str(decision.result.reason)
            self.refusals.append(Refusal("command_refused", text, encode(command), trades=0, source=command.source))

    def fills(self) -> list[tuple[UUID, PaperTrade]]:
        """The fills, each with the id of its command."""
        return [(each.result.command_id, each.fill) for each in self.decisions if each.fill is not None]
