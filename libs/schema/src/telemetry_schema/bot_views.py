"""What analytics reports to the UI of bots and their orders: `BotsState`, once a second.

Numbers that do not exist (an average of nothing, the value of a position without a price) are None, as JSON has no NaN.
A bot is a source that sends for an account and a strategy; one without a strategy has an empty one.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from telemetry_schema.fields import Base, Count, EpochNs, Money, QuotePrice, Rows, Side, SpanNs
from telemetry_schema.messages import Message
from telemetry_schema.orders import ClockName, Liquidity, OrderEventName, OrderType, SeenBy, TimeInForce

OrderStateName: TypeAlias = Literal[
    "unknown", "pending", "open", "filled", "cancelled", "expired", "rejected", "denied"
]
OutcomeName: TypeAlias = Literal["applied", "duplicate", "conflict", "late", "orphan", "second_source"]

BotSource = Annotated[str, Field(description="Who sends.")]
BotAccount = Annotated[str, Field(description="For whom it sends; the source where none was named.")]
BotStrategy = Annotated[str, Field(description="By which strategy; may be empty.")]
BotVenue = Annotated[str, Field(description="Where the order goes; may be empty.")]
BookSymbol = Annotated[str, Field(description="Instrument; may be empty where no event has named it.")]
Currency = Annotated[str, Field(description="The quote currency, from the symbol; empty where it does not say.")]
OrderName = Annotated[str, Field(description="The client's id of the order, stable over replaces.")]
EventCount = Annotated[int, Field(ge=0, description="How many there are.")]
Realised = Annotated[float, Field(description="Realised profit at average cost, without fees, quote currency.")]
Unrealised = Annotated[float, Field(description="Profit at the mark, quote currency; None without one.")]
FeesPaid = Annotated[float, Field(description="Fees paid less rebates, of those in quote currency.")]


class AckLatency(Message):
    """Time from submit to acknowledgement in the last five minutes, by one clock; None where none was measured."""

    count: EventCount = 0
    p50_ns: SpanNs | None = None
    p99_ns: SpanNs | None = None


class MarkoutBps(Message):
    """What the mid's move after fills gained, since the start; bps of the fills' value."""

    horizon: Literal["1s", "5s", "30s", "1m"] = Field(description="How long after the fill.")
    bps: float = Field(description="Weighted by notional; positive is gained.")


class EndedOrders(Message):
    """Orders that have ended since the start, by how far they were filled; the four are disjoint."""

    filled: EventCount = 0
    partly: EventCount = 0
    unfilled: EventCount = 0
    rejected: EventCount = 0


class BotMoney(Message):
    """Money of a bot in one quote currency, over all its books."""

    currency: Currency
    realised: Realised
    unrealised: Unrealised | None = None
    fees: FeesPaid
    slippage_bps: float | None = Field(
        default=None, description="Against arrival, weighted by notional, since the start; positive is paid."
    )
    decision_slippage_bps: float | None = Field(default=None, description="The same against the decision's price.")
    markouts: Rows[MarkoutBps] = Field(default_factory=list, description="By horizon, as far as there are any.")


class BotState(Message):
    """One bot now. `recent` is the last five minutes."""

    source: BotSource
    account: BotAccount
    strategy: BotStrategy
    is_authority: bool = Field(
        default=True, description="Its fills count; of two sources of one account only those of one do."
    )
    last_ns: EpochNs | None = Field(default=None, description="Its last order event, received by ingest's clock.")
    events_per_s: float = Field(default=0.0, ge=0, description="Order events a second, in the last minute.")
    recent_orders: Count = Field(default=0, description="Orders submitted, or denied before.")
    recent_rejects: Count = Field(default=0, description="Of these, rejected by the venue or denied locally.")
    open_orders: Count = Field(default=0, description="Orders of its account and strategy that have not ended.")
    in_doubt: Count = Field(default=0, description="Open orders whose state is not known.")
    oldest_open_ns: EpochNs | None = Field(default=None, description="First event of the oldest open order.")
    ack: AckLatency = Field(default_factory=AckLatency, description="How fast its orders are acknowledged.")
    skew_ns: SpanNs | None = Field(
        default=None, description="Minimum of received - sent, recent: negative where the sender's clock is ahead."
    )
    money: Rows[BotMoney] = Field(default_factory=list, description="By currency; of the authority alone.")
    ended: EndedOrders = Field(default_factory=EndedOrders, description="Of the authority alone.")


class BookState(Message):
    """One book: what an account holds of a symbol for a strategy."""

    account: BotAccount
    strategy: BotStrategy
    symbol: BookSymbol
    currency: Currency
    qty: Base = Field(description="Units of base, negative is short.")
    average_price: QuotePrice | None = None
    mark: QuotePrice | None = None
    mark_age_ns: SpanNs | None = None
    realised: Realised
    unrealised: Unrealised | None = None
    fees: FeesPaid


class AccountEquity(Message):
    """Equity of an account in one quote currency: realised and unrealised profit less fees."""

    account: BotAccount
    currency: Currency
    equity: float = Field(description="Now, or when it last had a value.")
    drawdown: float = Field(ge=0, description="How far it is below its highest so far.")
    deepest: float = Field(ge=0, description="The largest drawdown so far.")


class OrderToTrade(Message):
    """Messages to the venue and executions since the start, by the weights of RTS 9: (EU) 2017/566."""

    account: BotAccount
    symbol: BookSymbol
    messages: float = Field(ge=0, description="Weighted.")
    executions: float = Field(ge=0, description="Fills.")


class LimitUse(Message):
    """How far a venue's limit of requests is used, by its last report."""

    account: BotAccount
    venue: BotVenue
    limit: str = Field(description="Its name.")
    used_ratio: float = Field(ge=0, description="Of 1.")


class PositionMismatch(Message):
    """The peer's position of a symbol less ours at its last report."""

    account: BotAccount
    symbol: BookSymbol
    qty: Base


class VenueAcks(Message):
    """How fast a venue acknowledges an account's orders."""

    account: BotAccount
    venue: BotVenue
    ack: AckLatency = Field(description="In the last five minutes.")


class RejectCount(Message):
    """Rejections since the start."""

    account: BotAccount
    strategy: BotStrategy
    venue: BotVenue
    kind: Literal["order", "local", "cancel", "replace"] = Field(description="What was rejected; `local` by the bot.")
    reason: str = Field(description="One of the closed list of reasons.")
    count: EventCount


class OrderSummary(Message):
    """One order now. What no event has named is empty or None."""

    account: BotAccount
    order_id: OrderName
    source: BotSource
    strategy: BotStrategy = ""
    venue: BotVenue = ""
    symbol: BookSymbol = ""
    side: Side | None = Field(default=None, description="The order's own side, not the taker's.")
    order_type: OrderType | None = Field(default=None, description="Its type.")
    tif: TimeInForce | None = Field(default=None, description="How long it is in force.")
    state: OrderStateName = Field(description="Where it is in its life.")
    in_doubt: bool = Field(default=False, description="The last word was that its state is not known.")
    waits_for: Literal["cancel", "replace"] | None = Field(default=None, description="A request without an answer.")
    qty: Base | None = None
    price: QuotePrice | None = None
    filled_qty: Base = 0.0
    inferred_qty: Base = Field(default=0.0, description="Of the filled quantity, known by the peer's word alone.")
    average_price: QuotePrice | None = Field(default=None, description="Of the fills that stand.")
    began_ns: EpochNs = Field(description="Its earliest stamp.")
    touched_ns: EpochNs = Field(description="Its last event, received by ingest's clock.")


class OrderMoment(Message):
    """One event of an order as it came. `qty` and `price` are of what it is about: the order, or the execution."""

    event: OrderEventName = Field(description="What happened.")
    outcome: OutcomeName = Field(description="What it brought.")
    source: BotSource
    event_ns: EpochNs = Field(description="When it happened, on `clock`.")
    clock: ClockName = Field(description="Whose clock stamped event_ns.")
    resolution_ns: Annotated[int, Field(ge=1, description="How coarse event_ns is.")] = 1
    seen_ns: EpochNs | None = Field(default=None, description="When the sender saw it, on the clock of `seen_by`.")
    seen_by: SeenBy | None = Field(default=None, description="Whose clock stamped seen_ns.")
    sent_ns: EpochNs
    received_ns: EpochNs
    qty: Base | None = None
    price: QuotePrice | None = None
    cum_qty: Base | None = None
    fee: Money | None = None
    fee_currency: str | None = Field(default=None, description="Of the fee, which is positive where it is paid.")
    liquidity: Liquidity | None = Field(default=None, description="Whether the order waited or took.")
    exec_id: str | None = Field(default=None, description="Id of the execution.")
    ref_exec_id: str | None = Field(default=None, description="The execution that is busted or corrected.")
    alias: str | None = Field(default=None, description="The new client id that a replace gave the order.")
    reason: str | None = Field(default=None, description="Why it was refused or ended, as a code.")
    text: str | None = Field(default=None, description="For people.")
    replayed: bool = Field(default=False, description="From history or a resend.")


class OrderLife(Message):
    """The events of an order in the order in which they were received."""

    account: BotAccount
    order_id: OrderName
    moments: Rows[OrderMoment] = Field(description="Of many events the first and the last.")
    left_out: Count = Field(default=0, description="Events between these that are not kept.")


class BotsState(Message):
    """Bots, books and orders, from analytics to the UI.

    `lives` are of the listed orders that changed since the message before, and of some more in turn: after a while a
    reader has all of them.
    """

    type: Literal["bots"] = "bots"
    run: str = Field(description="New at each start of analytics.")
    at_ns: EpochNs
    bots: Rows[BotState] = Field(description="By source, account and strategy.")
    bots_in_all: Count = Field(description="Bots that are known; not all need be in `bots`.")
    books: Rows[BookState] = Field(description="By account, strategy and symbol.")
    books_in_all: Count = Field(description="Books that are known; not all need be in `books`.")
    accounts: Rows[AccountEquity] = Field(default_factory=list, description="By account and currency.")
    order_to_trade: Rows[OrderToTrade] = Field(default_factory=list, description="By account and symbol.")
    limits: Rows[LimitUse] = Field(default_factory=list, description="By account, venue and name.")
    mismatches: Rows[PositionMismatch] = Field(description="Only those that are not 0.")
    venues: Rows[VenueAcks] = Field(description="By account and venue.")
    rejects: Rows[RejectCount] = Field(description="Most first.")
    open_orders: Rows[OrderSummary] = Field(description="Newest first; of too many the oldest and the newest.")
    open_in_all: Count = Field(description="Orders that have not ended.")
    ended_orders: Rows[OrderSummary] = Field(description="The ones that changed last, newest first.")
    ended_in_all: Count = Field(description="Orders that have ended and are still known.")
    lives: Rows[OrderLife] = Field(description="Of some of the listed orders.")
