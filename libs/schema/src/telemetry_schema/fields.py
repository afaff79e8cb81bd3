"""The building blocks of every message: one annotated type per kind of value, each with its unit.

| word | unit |
|---|---|
| `*_ns` | UTC epoch nanoseconds, or a span of nanoseconds where the description says so |
| price | quote currency per unit of base (BTC-USD: US dollars per bitcoin) |
| qty | units of base, always positive: the side carries the sign |
| notional | price x qty, in quote currency |
| side | the taker's (aggressor's) side |
| `*_ratio` | a pure number, 1.0 is 100 % |
"""

from typing import Annotated, Final, Literal, TypeAlias, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from telemetry_schema.names import MAX_NAME_BYTES, is_name, name_fault

NAME_FORMAT = "name"
"""How the JSON schema of a message marks a name."""

FIRST_NS = 10**17
"""The first time a client may give: March 1973. Today's seconds, milliseconds and microseconds are all below it."""

LAST_NS = 2**63 - 1
"""The last nanosecond that fits a signed 64-bit integer: April 2262."""

MAX_FRAME_BYTES = 1024 * 1024
"""The longest frame that is accepted at the edge."""

MAX_VIEW_BYTES = 4 * 1024 * 1024
"""The longest snapshot or status that the UI reads; 200 symbols with history take about 0.5 MB."""

MAX_COLUMN_TRADES = 16_384
"""The most trades in one columnar message. Where names and numbers are long, `MAX_FRAME_BYTES` is reached earlier."""

Side = Literal["buy", "sell"]
Origin = Literal["market", "own"]
"""Whose trade it is: `own` if it has an account, else the market's."""


def _checked_name(text: str) -> str:
    if not is_name(text):
        raise PydanticCustomError("bad_name", "A name {fault}", {"fault": name_fault(text)})
    return text


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME_BYTES),
    AfterValidator(_checked_name),
    Field(json_schema_extra={"format": NAME_FORMAT}),
]
"""A string that `names` accepts."""

Symbol = Annotated[Name, Field(description="Instrument, as the venue or the desk spells it, e.g. BTC-USD.")]
Source = Annotated[Name, Field(description="Who sent it: the bot, feed or person.")]
Run = Annotated[Name, Field(description="New at each start of the source; seq counts within it.")]
TradeId = Annotated[Name, Field(description="The venue's or the sender's own identifier of the trade.")]
Account = Annotated[Name, Field(description="The account the trade belongs to; none for market trades.")]
TakerSide = Annotated[Side, Field(description="Side of the taker (aggressor).")]
Price = Annotated[float, Field(description="Quote currency per unit of base, finite; spreads may be 0 or below.")]
Qty = Annotated[float, Field(gt=0, description="Units of base, above 0 and finite.")]
Seq = Annotated[int, Field(ge=0, le=LAST_NS, description="Counts the trades of a run from 0 without gaps.")]
EpochNs = Annotated[int, Field(ge=0, le=LAST_NS, description="UTC epoch nanoseconds.")]
EventNs = Annotated[int, Field(ge=FIRST_NS, le=LAST_NS, description="When the trade happened, UTC epoch nanoseconds.")]
SentNs = Annotated[int, Field(ge=FIRST_NS, le=LAST_NS, description="When the sender sent it, UTC epoch nanoseconds.")]
SentBy = Annotated[Name | None, Field(description="The person or the browser's session that sent it.")]
SpanNs = Annotated[int, Field(description="Nanoseconds between two moments.")]
Count = Annotated[int, Field(ge=0)]
Trades = Annotated[int, Field(ge=0, description="Trades.")]
Messages = Annotated[int, Field(ge=0, description="Messages.")]
Batches = Annotated[int, Field(ge=0, description="Batches.")]
Version = Annotated[int, Field(ge=0, description="Counts what the sender sent since its start.")]
Base = Annotated[float, Field(description="Units of base.")]
QuotePrice = Annotated[float, Field(description="Quote currency per unit of base.")]
Money = Annotated[float, Field(description="Quote currency.")]
CommandId = Annotated[UUID, Field(description="Made by who gives the command; the same one never takes effect twice.")]

MAX_ROWS: Final = 16_384
"""The longest list of a view: what the services bound themselves is at most 10,000."""

_T = TypeVar("_T")

Rows: TypeAlias = Annotated[list[_T], Field(max_length=MAX_ROWS, fail_fast=True)]
"""A list whose first fault ends its check: 4 MiB of faults would take seconds to collect."""
