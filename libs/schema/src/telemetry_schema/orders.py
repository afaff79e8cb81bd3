"""Messages about a bot's own orders: what happened to them, and what is needed to judge it.

Order events, quotes, position reports and rate limits are numbered apart: each kind has its own gapless `seq` in a run.
Nothing here is refused for its place in an order's life: events may come late, twice or in any order.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from telemetry_schema.fields import Account, EventNs, Name, Run, SentNs, Seq, Side, Source, Symbol
from telemetry_schema.messages import (
    CancelAll,
    CancelOrder,
    KillSwitch,
    Message,
    RunAlive,
    RunEnd,
    Trade,
    TradeColumns,
    TradeCommand,
    check_seq,
)

MAX_REASON_CHARS: Final = 64
MAX_TEXT_CHARS: Final = 256

OrderEventName: TypeAlias = Literal[
    "submit",
    "ack",
    "reject",
    "deny",
    "fill",
    "cancel_request",
    "cancel",
    "cancel_reject",
    "replace_request",
    "replace",
    "replace_reject",
    "expire",
    "unknown",
    "status",
    "bust",
    "correct",
    "trigger",
]
"""`deny`: refused locally, never sent. `unknown`: a timeout or disconnect, the state is not known. `status`: a snapshot
of cumulative values. `bust` and `correct` take back or change an execution. `trigger`: a stop became active."""

ClockName: TypeAlias = Literal["bot", "adapter", "venue"]
SeenBy: TypeAlias = Literal["bot", "adapter"]
OrderType: TypeAlias = Literal["market", "limit", "stop", "stop_limit", "other"]
TimeInForce: TypeAlias = Literal["gtc", "day", "ioc", "fok", "gtd", "other"]
Liquidity: TypeAlias = Literal["maker", "taker"]

REJECT_REASONS: Final = (
    "insufficient_funds",
    "rate_limit",
    "price_band",
    "post_only",
    "reduce_only",
    "min_size",
    "tick_size",
    "unknown_symbol",
    "closed",
    "limit_exceeded",
    "duplicate",
    "unknown_order",
    "too_late",
    "auth",
    "timeout",
    "disconnected",
    "broker",
    "user",
    "risk",
    "other",
)
"""The closed list of reasons that become a label; any other is counted as `other`."""

OrderId = Annotated[Name, Field(description="Identifier of an order or execution, as the sender spells it.")]
Money = Annotated[float, Field(description="Quote currency, or the currency named beside it.")]
AboveZero = Annotated[float, Field(gt=0)]
AnyPrice = Annotated[float, Field(description="Quote currency per unit of base.")]


def _checked_code(text: str) -> str:
    if not (text.isascii() and text.replace("_", "").isalnum() and text == text.lower()):
        raise PydanticCustomError("bad_name", "A reason is a code like price_band: a to z, 0 to 9 and _")
    return text


ReasonCode = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON_CHARS), AfterValidator(_checked_code)]
"""A bounded code; one of `REJECT_REASONS` becomes a label, any other is counted as `other`."""

NEEDED_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "submit": ("symbol", "side", "qty"),
    "fill": ("symbol", "side", "last_qty", "last_price"),
    "replace": ("qty",),
    "bust": ("ref_exec_id",),
    "correct": ("ref_exec_id", "last_qty", "last_price"),
}
"""By event what it must have."""


class _Numbered(Message):
    """What all of them share: who sent it, and its number among those of its kind in this run."""

    source: Source
    run: Run | None = None
    seq: Seq | None = None

    @model_validator(mode="after")
    def _seq_has_its_run(self) -> Self:
        check_seq(self.seq, self.run)
        return self


def missing_fields(event: str, has: Callable[[str], Any]) -> list[str]:
    """What an event of this name must have and has not; `has` gives the value of a field, or None."""
    missing = [name for name in NEEDED_FIELDS.get(event, ()) if has(name) is None]
    if (has("seen_ns") is None) != (has("seen_by") is None):
        missing.append("seen_by" if has("seen_by") is None else "seen_ns")
    if has("fee") is not None and has("fee_currency") is None:
        missing.append("fee_currency")
    return missing


def check_event(fields: dict[str, Any]) -> dict[str, Any]:
    """Refuses an event without what it needs; a pydantic validator of its fields."""
    if missing := missing_fields(fields["event"], fields.get):
        names = {"event": fields["event"], "missing": ", ".join(missing)}
        raise PydanticCustomError("missing_for_event", "{event} needs {missing}", names)
    return fields


def check_quote(fields: dict[str, Any]) -> dict[str, Any]:
    """Refuses a quote whose bid is above its ask; a pydantic validator of its fields."""
    if fields["bid"] > fields["ask"]:
        prices = {"bid": f"{fields['bid']:.10g}", "ask": f"{fields['ask']:.10g}"}
        raise PydanticCustomError("crossed_quote", "bid {bid} is above ask {ask}", prices)
    return fields


class OrderEvent(_Numbered):
    """One event in the life of a bot's order, from a client or an adapter to ingest.

    `event_ns` is when it happened, on `clock`; `seen_ns` is when the bot or adapter saw it, on the clock of `seen_by`.
    A latency is only ever taken between two stamps of one clock.
    """

    type: Literal["order"] = "order"
    event: OrderEventName = Field(description="What happened.")
    order_id: OrderId = Field(description="The client's id, stable over replaces; the venue's where there is none.")
    event_ns: EventNs
    sent_ns: SentNs
    clock: ClockName = Field(description="Whose clock stamped event_ns.")
    seen_ns: EventNs | None = Field(default=None, description="When the sender saw it, UTC epoch nanoseconds.")
    seen_by: SeenBy | None = Field(default=None, description="Whose clock stamped seen_ns; required with it.")
    resolution_ns: Annotated[int, Field(ge=1, description="How coarse event_ns is.")] = 1
    symbol: Symbol | None = None
    side: Side | None = Field(default=None, description="The order's own side, not the taker's.")
    account: Account | None = None
    strategy: Account | None = None
    venue: Account | None = None
    venue_order_id: OrderId | None = None
    alias: OrderId | None = Field(default=None, description="The new client id that a replace gave the order.")
    exec_id: OrderId | None = Field(default=None, description="Id of this execution: a fill counts once by it.")
    ref_exec_id: OrderId | None = Field(default=None, description="The execution that is busted or corrected.")
    order_type: OrderType | None = Field(default=None, description="Its type, as the counts of RTS 9 need it.")
    tif: TimeInForce | None = Field(default=None, description="How long it is in force.")
    post_only: bool = Field(default=False, description="It must not take liquidity.")
    reduce_only: bool = Field(default=False, description="It must not open a position.")
    qty: AboveZero | None = Field(default=None, description="Ordered quantity, units of base.")
    price: AnyPrice | None = None
    stop_price: AnyPrice | None = None
    last_qty: AboveZero | None = Field(default=None, description="Quantity of this execution, units of base.")
    last_price: AnyPrice | None = None
    cum_qty: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Filled so far, as the peer says.")
    avg_price: AnyPrice | None = None
    fee: Money | None = Field(default=None, description="Positive is paid, negative a rebate.")
    fee_currency: Account | None = None
    liquidity: Liquidity | None = Field(default=None, description="Whether the order waited or took.")
    reason: ReasonCode | None = Field(default=None, description="Why it was refused or ended, as a code.")
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] | None = Field(
        default=None, description="For people; never a label."
    )
    decision_ns: EventNs | None = Field(default=None, description="When the strategy decided, the sender's clock.")
    tick_ns: EventNs | None = Field(default=None, description="When the market data it acted on was received.")
    decision_price: AnyPrice | None = Field(default=None, description="Mid price at decision_ns.")
    arrival_price: AnyPrice | None = Field(default=None, description="Mid price when the order was sent.")
    replayed: bool = Field(default=False, description="From history or a resend: no latency is taken from it.")

    @model_validator(mode="after")
    def _has_what_its_event_needs(self) -> Self:
        check_event(self.__dict__)
        return self


class Quote(_Numbered):
    """Best bid and ask of a symbol, from a client or a feed to ingest; gives the mid price. One in 100 ms is enough."""

    type: Literal["quote"] = "quote"
    symbol: Symbol
    bid: AnyPrice
    ask: AnyPrice
    event_ns: EventNs
    sent_ns: SentNs

    @model_validator(mode="after")
    def _is_not_crossed(self) -> Self:
        check_quote(self.__dict__)
        return self


class PositionReport(_Numbered):
    """What the peer says an account holds: sets the opening position, afterwards it is only compared with ours."""

    type: Literal["position"] = "position"
    account: Account
    strategy: Account | None = None
    symbol: Symbol
    qty: float = Field(description="Units of base, negative is short.")
    avg_price: AnyPrice | None = None
    realised: Money | None = None
    unrealised: Money | None = None
    currency: Account | None = None
    event_ns: EventNs
    sent_ns: SentNs


class RateLimitReport(_Numbered):
    """Use of one of a venue's limits."""

    type: Literal["rate_limit"] = "rate_limit"
    account: Account
    venue: Account
    limit: Account = Field(description="Name of the limit.")
    used: Annotated[float, Field(ge=0, description="Used in this interval, in the limit's unit.")]
    allowed: AboveZero = Field(description="Allowed in an interval, in the limit's unit.")
    interval_s: AboveZero = Field(description="Length of the interval, in s.")
    event_ns: EventNs
    sent_ns: SentNs


BotMessage: TypeAlias = OrderEvent | Quote | PositionReport | RateLimitReport
"""What a bot reports of its own orders."""

AnyEdgeMessage: TypeAlias = (
    Trade
    | TradeColumns
    | TradeCommand
    | KillSwitch
    | CancelOrder
    | CancelAll
    | RunAlive
    | RunEnd
    | OrderEvent
    | Quote
    | PositionReport
    | RateLimitReport
)

EdgeMessage = Annotated[AnyEdgeMessage, Field(discriminator="type")]
"""What ingest accepts on its PULL socket."""

BOT_MESSAGES: Final[dict[str, type[BotMessage]]] = {
    "order": OrderEvent,
    "quote": Quote,
    "position": PositionReport,
    "rate_limit": RateLimitReport,
}
"""By the value of `type`, which is also the kind they are counted under."""
