"""The desk's outcome of a burst: one decision for each command. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self
from uuid import UUID

from ingest.checking.outcomes import Refusal
from ingest.desk.open_orders import RestingOrder
from telemetry_runtime import MessageCounts
from telemetry_schema import CancelAll, CancelOrder, CommandResult, DeskCommand, OrderEvent, encode


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
    """The command's; of an order that was filled in parts, from the second on, with the part's number."""


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """What happened to a resting order: the order after it, and the answer for the UI."""

    order: RestingOrder
    result: CommandResult
    at_ns: int
    fill: PaperTrade | None = None
    cancelled_by: CancelOrder | CancelAll | None = None
    """Of a cancelled one without it the kill switch was the reason."""

    @classmethod
    def of(
        cls,
        order: RestingOrder,
        status: Literal["resting", "accepted", "cancelled"],
        now_ns: int,
        *,
        fill: PaperTrade | None = None,
        cancelled_by: CancelOrder | CancelAll | None = None,
    ) -> Self:
        """With the result that belongs to the status."""
        by_switch = status == "cancelled" and cancelled_by is None
        result = CommandResult(
            command_id=order.order_id,
            status=status,
            code="kill_switch" if by_switch else None,
            reason="The kill switch was engaged." if by_switch else None,
            price=order.price if order.fills else None,
            filled_qty=order.filled_qty,
            received_ns=order.received_ns,
        )
        return cls(order, result, now_ns, fill, cancelled_by)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for the UI, the outcome and reason it is counted under, the fill if there is one."""

    result: CommandResult
    outcome: str
    """accepted, refused or duplicate."""
    reason: str = ""
    fill: PaperTrade | None = None
    updates: Sequence[OrderUpdate] = ()
    """What it did to orders that rested."""


@dataclass(slots=True)
class DeskOutcome:
    """The decisions about the commands of a burst, in their order."""

    decisions: list[Decision] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    tally: MessageCounts = field(default_factory=MessageCounts)
    events: list[OrderEvent] = field(default_factory=list)
    """What happened to the orders that the commands were, and to those that rested."""
    updates: list[OrderUpdate] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.decisions or self.updates)

    def add(self, command: DeskCommand, decision: Decision) -> None:
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

    def fills(self) -> list[tuple[UUID | None, PaperTrade]]:
        """The fills, each with the id of the command that is done with it; None where more of it rests."""
        filled = [(each.result.command_id, each.fill) for each in self.decisions if each.fill is not None]
        return filled + [
            (each.order.order_id if each.order.is_filled else None, each.fill)
            for each in self.updates
            if each.fill is not None
        ]
