"""What the components receive with every redraw, as JSON objects. Pure.

Prices are in quote currency per unit of base, quantities in units of base, times in ms of the server's wall clock.
"""

from typing import Literal, NotRequired, TypedDict

Tone = Literal["good", "bad", "warn", "wait"]


class Answer(TypedDict):
    """The state of an order, for a person. A final one is not asked about again."""

    text: str
    tone: Tone
    final: bool
    confirm: NotRequired[bool]  # not sent: it has to be asked about first


class QuoteFacts(TypedDict):
    """The prices of the chosen symbol. Bid and ask have an age of their own. A recording's prices have no ages."""

    symbol: str
    last: float | None
    bid: float | None
    ask: float | None
    age_ms: float | None
    bid_ask_age_ms: NotRequired[float | None]


class PositionFacts(TypedDict):
    """A position; `qty` is exact, in decimal digits, with a minus where it is short."""

    symbol: str
    qty: str
    average: float | None
    last: float | None


class LimitFacts(TypedDict):
    """The desk's limits: units of base, quote currency, a ratio, orders."""

    max_qty: float
    max_notional: float
    band_ratio: float
    per_s: float


class PickFacts(TypedDict):
    """The newest choice of symbol that the page knows: whose it was, and the how manieth."""

    by: str
    count: int


class TicketFacts(TypedDict):
    """All that the ticket receives."""

    now_ms: float
    steady_ms: float  # the same by the monotonic clock: says which facts are newer
    page: str  # the last part of the address of the page that the ticket stands on
    account: str | None
    symbols: list[str]
    selected: str | None
    pick: PickFacts | None
    quote: QuoteFacts | None
    positions: list[PositionFacts]
    limits: LimitFacts | None
    ask_above: float
    ask_age_ms: float
    kill_switch: bool
    trouble: str | None
    unknown_after_ms: float  # without a word of the page for so long it is not known whether an order was sent
    answers: dict[str, Answer]


class KillSwitchFacts(TypedDict):
    """All that the kill switch receives; `engaged` is None as long as the desk has said nothing."""

    now_ms: float
    steady_ms: float  # the same by the monotonic clock: says which facts are newer
    engaged: bool | None
    unknown_after_ms: float
    answers: dict[str, Answer]
