"""What travels between the main process and the page: one JSON frame a message, over a local socket of their own.

Towards the page go the backend's `Snapshot` and `IngestStatus` as they came, and the messages below; from the page come
`Hello`, and the commands as ingest will get them.
"""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, TypeAdapter

from telemetry_schema import (
    Bars,
    BotsState,
    CancelAll,
    CancelOrder,
    Count,
    DeskCommand,
    EpochNs,
    IngestStatus,
    KillSwitch,
    Message,
    ProfitHistory,
    Snapshot,
    StudiesState,
    TradeCommand,
)

CommandStatus = Literal["sent", "resting", "accepted", "applied", "refused", "cancelled", "no_answer"]


Condition = Literal["live", "idle", "degraded", "away"]
"""How far the page may be believed: all is well; nothing comes in; something is wrong; what is shown stands still."""


class Problem(Message):
    """One line of the banner."""

    code: str
    severity: Literal["error", "warning", "info"]
    title: str
    detail: str = ""
    since_ns: EpochNs | None = None


class CommandView(Message):
    """A command and how far it has come. Spans are counted from when the main process got it from the page."""

    command_id: UUID
    kind: Literal["trade", "kill_switch", "cancel", "cancel_all"]
    symbol: str = ""
    side: Literal["buy", "sell"] | None = None
    qty: float | None = None
    price: float | None = Field(default=None, description="The price asked for; none for a market order.")
    tif: Literal["gtc"] | None = Field(default=None, description="gtc: it may rest.")
    order_id: UUID | None = Field(default=None, description="The order that a cancel command means.")
    engaged: bool | None = Field(default=None, description="What a kill switch command asks for.")
    source: str = Field(default="", description="Who sent it.")
    sent_ns: EpochNs
    order_ns: int = Field(
        default=0, description="Its place: when it was sent, but behind all before it where the clock was set back."
    )
    status: CommandStatus = "sent"
    reason: str | None = None
    filled_price: float | None = None
    filled_qty: float | None = Field(default=None, description="Filled so far of an order that rests or rested.")
    answered_after_ns: int | None = Field(default=None, description="Until ingest's answer.")
    applied_after_ns: int | None = Field(default=None, description="Until analytics' confirmation.")


class BotLimits(Message):
    """Beyond which a bot or an account is in trouble, as OrderRejectsHigh, DrawdownDeep and RateLimitNear have it."""

    order_rejects_ratio: float = Field(default=0.05, description="Rejected of the orders of an account in 5 min.")
    drawdown_quote: float = Field(default=10_000.0, description="Equity below its highest, in its currency.")
    rate_limit_used_ratio: float = Field(default=0.8, description="Use of a venue's limit.")


class PageState(Message):
    """What the main process knows besides the data, several times a second: it is the page's heartbeat too."""

    type: Literal["page_state"] = "page_state"
    at_ns: EpochNs
    problems: list[Problem]
    condition: Condition = "live"
    analytics_silence_ns: int | None = Field(default=None, description="Since it was last heard of.")
    ingest_silence_ns: int | None = None
    no_answer_after_s: float = Field(default=2.0, description="A command is answered within this time, or says so.")
    started_ns: EpochNs = Field(description="When the main process started: what was sent before, it does not know of.")
    confirm_notional: float
    ask_price_age_s: float = Field(description="An order on an older price is asked about first, s.")
    source: str
    page_starts: Count
    bot_limits: BotLimits = BotLimits()
    alert_receivers: int | None = Field(default=None, description="How many ways alerts have to call somebody.")


class CommandUpdate(Message):
    """Commands that are new or have changed."""

    type: Literal["commands"] = "commands"
    commands: list[CommandView]


class History(Message):
    """All bars that the main process holds of one symbol."""

    type: Literal["history"] = "history"
    bars: Bars


class Hello(Message):
    """The page's link is up and knows nothing yet."""

    type: Literal["hello"] = "hello"
    pid: int


AnyToPage: TypeAlias = (
    Snapshot | IngestStatus | StudiesState | BotsState | ProfitHistory | PageState | CommandUpdate | History
)
ToPage = Annotated[AnyToPage, Field(discriminator="type")]
FromPage = Annotated[TradeCommand | KillSwitch | CancelOrder | CancelAll | Hello, Field(discriminator="type")]

_to_page: TypeAdapter[AnyToPage] = TypeAdapter(ToPage)
_from_page: TypeAdapter[DeskCommand | Hello] = TypeAdapter(FromPage)


def decode_to_page(frame: bytes) -> AnyToPage:
    """One frame for the page. Both ends are ours: a wrong one is a bug, and raises pydantic's `ValidationError`."""
    return _to_page.validate_json(frame)


def decode_from_page(frame: bytes) -> DeskCommand | Hello:
    """One frame of the page; raises pydantic's `ValidationError`."""
    return _from_page.validate_json(frame)
