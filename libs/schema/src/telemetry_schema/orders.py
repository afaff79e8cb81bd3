"""Messages about a bot's own orders: what happened to them, and what is needed to judge it.

Order events, quotes, position reports and rate limits are numbered apart: each kind has its own gapless `seq` in a run.
Nothing here is refused for its place in an order's life: events may come late, twice or in any order.
"""

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from telemetry_schema.fields import Account, EventNs, Run, SentNs, Seq, Side, Source, Symbol, TradeId
from telemetry_schema.messages import Message

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
"""`deny`: refused locally, never sent. `unknown`: a timeout or disconnect, the state is not known. `status`: a snapshot of
cumulative values. `bust` and `correct` take back or change an execution. `trigger`: a stop became active."""

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

OrderId = TradeId
Money = Annotated[float, Field(description="Quote currency, or the currency named beside it.")]
AboveZero = Annotated[float, Field(gt=0)]
AnyPrice = Annotated[float, Field(description="Quote currency per unit of base.")]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON_CHARS, pattern=r"^[a-z][a-z0-9_]*$")]

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "submit": ("symbol", "side", "qty"),
    "fill": ("symbol", "side", "last_qty", "last_price"),
    "replace": ("qty",),
    "bust": ("ref_exec_id",),
    "correct": ("ref_exec_id", "last_qty", "last_price"),
}


class OrderEvent(Message):
    """One event in the life of a bot's order, from a client or an adapter to ingest.

    `event_ns` is when it happened, on `clock`; `seen_ns` is when the bot or adapter saw it, on the clock of `seen_by`. A
    latency is only ever taken between two stamps of one clock.
    """

    type: Literal["order"] = "order"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
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
    order_type: OrderType | None = None
    tif: TimeInForce | None = None
    post_only: bool = False
    reduce_only: bool = False
    qty: AboveZero | None = Field(default=None, description="Ordered quantity, units of base.")
    price: AnyPrice | None = None
    stop_price: AnyPrice | None = None
    last_qty: AboveZero | None = Field(default=None, description="Quantity of this execution, units of base.")
    last_price: AnyPrice | None = None
    cum_qty: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Filled so far, as the peer says.")
    avg_price: AnyPrice | None = None
    fee: Money | None = Field(default=None, description="Positive is paid, negative a rebate.")
    fee_currency: Account | None = None
    liquidity: Liquidity | None = None
    reason: Slug | None = None
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] | None = None
    decision_ns: EventNs | None = Field(default=None, description="When the strategy decided, the sender's clock.")
    tick_ns: EventNs | None = Field(default=None, description="When the market data it acted on was received.")
    decision_price: AnyPrice | None = Field(default=None, description="Mid price at decision_ns.")
    arrival_price: AnyPrice | None = Field(default=None, description="Mid price when the order was sent.")
    replayed: bool = Field(default=False, description="From history or a resend: no latency is taken from it.")

    @model_validator(mode="after")
    def _has_what_its_event_needs(self) -> Self:
        missing = [name for name in _NEEDS.get(self.event, ()) if getattr(self, name) is None]
        if missing:
            msg = f"{self.event} needs {', '.join(missing)}"
            raise ValueError(msg)
        if (self.seen_ns is None) != (self.seen_by is None):
            msg = "seen_ns and seen_by go together"
            raise ValueError(msg)
        if self.fee is not None and self.fee_currency is None:
            msg = "fee needs fee_currency"
            raise ValueError(msg)
        return self


class Quote(Message):
    """Best bid and ask of a symbol, from a client or a feed to ingest; gives the mid price. One in 100 ms is enough."""

    type: Literal["quote"] = "quote"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
    symbol: Symbol
    bid: AnyPrice
    ask: AnyPrice
    event_ns: EventNs
    sent_ns: SentNs

    @model_validator(mode="after")
    def _is_not_crossed(self) -> Self:
        if self.bid > self.ask:
            msg = f"bid {self.bid:.10g} is above ask {self.ask:.10g}"
            raise ValueError(msg)
        return self


class PositionReport(Message):
    """What the peer says an account holds: sets the opening position, afterwards it is only compared with ours."""

    type: Literal["position"] = "position"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
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


class RateLimit(Message):
    """Use of one of a venue's limits."""

    type: Literal["rate_limit"] = "rate_limit"
    source: Source
    run: Run | None = None
    seq: Seq | None = None
    account: Account
    venue: Account
    limit: Account = Field(description="Name of the limit.")
    used: Annotated[float, Field(ge=0)]
    allowed: AboveZero
    interval_s: AboveZero
    event_ns: EventNs
    sent_ns: SentNs
