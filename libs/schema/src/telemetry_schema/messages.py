"""Every message that travels as JSON, as a frozen pydantic model: the only definition of what is valid.

Times are UTC epoch nanoseconds (`*_ns`), sides are the taker's, prices are in quote currency per unit of base and
quantities in units of base. Unknown fields, wrong types, NaN and infinities are refused.
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from telemetry_schema.fields import (
    MAX_COLUMN_TRADES,
    Account,
    CommandId,
    EpochNs,
    EventNs,
    Price,
    Qty,
    Run,
    SentBy,
    SentNs,
    Seq,
    Source,
    Symbol,
    TakerSide,
    TradeId,
)

# The first bad item refuses the column: describing 80,000 bad ones would hold up ingest for a quarter of a second.
Column = Field(min_length=1, max_length=MAX_COLUMN_TRADES, fail_fast=True)


class Message(BaseModel):
    """What all messages share: frozen, strict, nothing unknown, nothing that is not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def check_seq(seq: int | None, run: str | None) -> None:
    """Refuses a number that counts within no run; a pydantic validator."""
    if seq is not None and run is None:
        raise PydanticCustomError("seq_without_run", "seq needs run: numbers count within one, new at each start")


class Trade(Message):
    """One trade, from a client to ingest."""

    type: Literal["trade"] = "trade"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
    symbol: Symbol
    side: TakerSide
    qty: Qty
    price: Price
    event_ns: EventNs
    sent_ns: SentNs
    id: TradeId | None = None
    account: Account | None = None

    @model_validator(mode="after")
    def _seq_has_its_run(self) -> Self:
        check_seq(self.seq, self.run)
        return self


class TradeColumns(Message):
    """Many trades of one source in columns of one length, from a client to ingest at high rate.

    The i-th trade has the sequence number `seq + i`. An account is that of all of them.
    """

    type: Literal["trades"] = "trades"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
    sent_ns: SentNs
    symbol: Annotated[list[Symbol], Column]
    side: Annotated[list[TakerSide], Column]
    qty: Annotated[list[Qty], Column]
    price: Annotated[list[Price], Column]
    event_ns: Annotated[list[EventNs], Column]
    account: Account | None = None

    @model_validator(mode="after")
    def _columns_fit_together(self) -> Self:
        check_seq(self.seq, self.run)
        lengths = {len(column) for column in (self.symbol, self.side, self.qty, self.price, self.event_ns)}
        if len(lengths) != 1:
            raise PydanticCustomError(
                "unequal_columns", "columns differ in length: {lengths}", {"lengths": str(sorted(lengths))}
            )
        return self


class TradeCommand(Message):
    """An order of a person to the paper desk, from the UI to ingest. The same `command_id` never fills twice.

    A market order fills at the last price, at once. One with a price and no `tif` fills at its price, at once: an
    exercise. With `tif` gtc it rests until a live trade of the market goes through its price, or it is cancelled.
    """

    type: Literal["command"] = "command"
    command_id: CommandId
    source: Source
    symbol: Symbol
    side: TakerSide
    qty: Qty
    price: Price | None = Field(default=None, description="Price to fill at; none is a market order.")
    tif: Literal["gtc"] | None = Field(default=None, description="gtc: it rests until it is filled or cancelled.")
    sent_ns: SentNs
    sent_by: SentBy = None


class KillSwitch(Message):
    """Engages or releases the paper desk's kill switch, from the UI to ingest; engaged, it refuses every command."""

    type: Literal["kill_switch"] = "kill_switch"
    command_id: CommandId
    source: Source
    engaged: bool = Field(description="True engages it, false releases it.")
    sent_ns: SentNs
    sent_by: SentBy = None


class CancelOrder(Message):
    """Cancels one resting order of the paper desk, from the UI to ingest."""

    type: Literal["cancel"] = "cancel"
    command_id: CommandId
    source: Source
    order_id: CommandId = Field(description="The command_id of the order that rests.")
    sent_ns: SentNs
    sent_by: SentBy = None


class CancelAll(Message):
    """Cancels all resting orders of the paper desk, or those of one symbol, from the UI to ingest."""

    type: Literal["cancel_all"] = "cancel_all"
    command_id: CommandId
    source: Source
    symbol: Symbol | None = None
    sent_ns: SentNs
    sent_by: SentBy = None


DeskCommand: TypeAlias = TradeCommand | KillSwitch | CancelOrder | CancelAll
"""What the paper desk decides about."""


class RunAlive(Message):
    """A sender that numbers its trades is there and has sent, or dropped, all numbers below `next_seq`.

    Sent from the first trade on, several times within the silence that ingest allows a run. It promises a `RunEnd`: a
    run that was alive and goes silent without one is unfinished.

    With a `kind` it speaks of the numbers of that kind, and promises nothing.
    """

    type: Literal["alive"] = "alive"
    source: Source
    run: Run
    next_seq: Seq
    sent_ns: SentNs
    kind: Literal["order", "quote", "position", "rate_limit"] | None = Field(
        default=None, description="What `next_seq` counts; null: trades."
    )


class RunEnd(Message):
    """The last message of a run, from a client to ingest: it has used all numbers below `next_seq`, and no others."""

    type: Literal["end"] = "end"
    source: Source
    run: Run
    next_seq: Seq
    sent_ns: SentNs


class CommandResult(Message):
    """The outcome of a command: from ingest (accepted, refused) and from analytics (applied), to the UI.

    `accepted`: filled and numbered by ingest, or done. `applied`: applied by analytics and visible in its metrics.
    `resting`: it waits for its price, maybe partly filled. `cancelled`: what was not filled of it never will be. Of one
    order several results come, and in this order: resting, then accepted and applied, or cancelled.
    """

    type: Literal["result"] = "result"
    command_id: CommandId
    status: Literal["accepted", "applied", "refused", "resting", "cancelled"] = Field(
        description="How far it has come."
    )
    reason: str | None = Field(default=None, max_length=512, description="For a person: what was wrong, what to do.")
    code: str | None = Field(default=None, max_length=64, description="The reason's label in telemetry_commands_total.")
    price: Price | None = Field(default=None, description="The price it was filled at, on average.")
    filled_qty: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Filled so far of an order that rests or rested, units of base."
    )
    received_ns: EpochNs = Field(description="When ingest received the command, UTC epoch nanoseconds.")
    applied_ns: EpochNs | None = Field(
        default=None, description="When analytics applied its trade, UTC epoch nanoseconds."
    )


class Progress(Message):
    """How far analytics has come in a stream, from analytics to ingest: all trades below `next_seq` are applied.

    Those below `checkpointed_seq` are so for good: a restarted analytics will not ask for them, ingest may drop them.
    With `resend`, analytics misses what follows: ingest sends again all it still holds from there on.
    """

    type: Literal["progress"] = "progress"
    stream: str = Field(min_length=1, max_length=64, description="The log that the trades are in.")
    epoch: Seq = Field(default=0, description="The epoch of the last trade that was applied.")
    next_seq: Seq
    checkpointed_seq: Seq = Field(default=0, description="Trades below are in a checkpoint of analytics.")
    resend: bool = Field(default=False, description="Trades from next_seq on are missing: send them again.")
