"""What the components send: checked, as it comes from a browser. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_ORDERS = 200
"""Orders in one event; the ticket keeps no more."""

Typed = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(max_length=128)]
Millis = Annotated[float, Field(ge=0, allow_inf_nan=False, lt=1e16)]


class Pressed(BaseModel):
    """What both have: an id made in the browser, the time of the press, and whether it is only asked about.

    `pressed_ms` is by the server's clock, which the ticket knows from the last redraw: rather too early than too late.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    pressed_ms: Millis
    ask: bool = False


class PressedOrder(Pressed):
    """An order as it stood on the ticket: quantity and price as texts, in units of base and quote per base."""

    side: Literal["buy", "sell"]
    symbol: Name
    qty: Typed
    price: Typed | None = None
    confirmed: bool = False


class PressedSwitch(Pressed):
    """A press of the kill switch."""

    engaged: bool


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """The chosen symbol, the how manieth choice of which ticket that is, and all orders without a final answer."""

    by: str
    count: int
    symbol: str
    orders: tuple[PressedOrder, ...]


def read_ticket_event(value: object) -> TicketEvent | None:
    """The ticket's event; None if there is none. Orders that are none are left out: they are not from this ticket."""
    if not isinstance(value, dict):
        return None
    by, count, symbol = value.get("by"), value.get("count"), value.get("symbol")
    if not isinstance(by, str) or not isinstance(count, int) or not isinstance(symbol, str):
        return None
    return TicketEvent(by[:64], count, symbol[:128], tuple(_read(PressedOrder, value.get("orders"))))


def read_switch_event(value: object) -> tuple[PressedSwitch, ...]:
    """The kill switch's event: all presses without a final answer, oldest first."""
    return tuple(_read(PressedSwitch, value.get("commands"))) if isinstance(value, dict) else ()


P = TypeVar("P", bound=Pressed)


def _read(kind: type[P], values: Any) -> Iterator[P]:  # noqa: ANN401 - what a browser sends may be anything
    for value in values[:MAX_ORDERS] if isinstance(values, list) else ():
        try:
            yield kind.model_validate(value)
        except ValidationError:
            continue
