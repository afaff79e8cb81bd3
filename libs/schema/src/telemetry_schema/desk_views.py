"""What ingest shows the UI of the paper desk: its state, its last commands, its profit."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from telemetry_schema.fields import (
    Base,
    CommandId,
    Count,
    EpochNs,
    Money,
    Price,
    Qty,
    QuotePrice,
    Rows,
    Source,
    Symbol,
    TakerSide,
)
from telemetry_schema.messages import CommandResult, DeskCommand, Message


class Position(Message):
    """One symbol of the paper account. Profit is in quote currency, at average cost."""

    symbol: Symbol
    qty: float = Field(description="Units of base; negative is short.")
    average_price: QuotePrice | None = None
    last_price: QuotePrice | None = None
    realised: Money
    unrealised: Money


class OpenOrder(Message):
    """One order that rests at the paper desk."""

    command_id: CommandId
    source: Source
    symbol: Symbol
    side: TakerSide
    qty: Qty
    filled_qty: Base
    price: Price
    received_ns: EpochNs = Field(description="Since when it rests.")


class DeskState(Message):
    """The paper desk: its limits, its kill switch and its account."""

    account: str = Field(description="The account that commands trade for.")
    kill_switch: bool = Field(description="Whether it is engaged: then all commands are refused.")
    max_qty: Base
    max_notional: Money
    price_band_ratio: float = Field(description="How far a price may be from the last one; 0.05 is 5 %.")
    max_commands_per_s: float = Field(description="Commands per second.")
    symbols: Rows[Symbol] = Field(description="Symbols with a last price: what can be traded.")
    positions: Rows[Position]
    open_orders: Rows[OpenOrder] = Field(default_factory=list, description="Oldest first; not all need be here.")
    open_orders_in_all: Count = Field(default=0, description="Orders that rest; not all need be in `open_orders`.")
    max_open_orders: Count = Field(default=0, description="How many one source may have.")


class AnsweredCommand(Message):
    """A command and how far it has come."""

    command: Annotated[DeskCommand, Field(discriminator="type", description="As it was sent.")]
    result: CommandResult


class CommandHistory(Message):
    """The last commands of the desk, every few seconds, from ingest to the UI: a restarted UI shows them again.

    Without a new command or answer it is the same, byte for byte.
    """

    type: Literal["command_history"] = "command_history"
    commands: Rows[AnsweredCommand] = Field(description="In the order in which they were received.")


class ProfitHistory(Message):
    """The paper account's profit over the last hour, every few seconds, from ingest to the UI: a restarted UI shows it.

    Columns of one length, oldest first.
    """

    type: Literal["profit_history"] = "profit_history"
    second: Rows[int] = Field(description="UTC epoch seconds.")
    profit: Rows[Money] = Field(description="Realised and unrealised.")

    @model_validator(mode="after")
    def _columns_have_one_length(self) -> Self:
        if len(self.second) != len(self.profit):
            msg = f"columns differ in length: {[len(self.second), len(self.profit)]}"
            raise ValueError(msg)
        return self
