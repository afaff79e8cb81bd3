"""The orders that a simulated bot has at its venue: kept in the log, so that a bot that begins anew can end them. Pure.

A venue holds an order until it is filled or cancelled, whatever becomes of the bot. So a bot that begins asks for its
open orders first, and cancels those of the bot before it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from telemetry_schema import Message, Side

MAX_OPEN: Final = 20_000
"""More than a thousand orders a second can have open; of more the oldest are forgotten."""

_FILLED_RATIO: Final = 1 - 1e-9
_ENDS: Final = frozenset({"reject", "cancel"})


class SimulatedOrder(Message):
    """An open order, as it is kept in the log."""

    order_id: str
    account: str
    strategy: str
    venue: str
    symbol: str
    side: Side
    qty: float
    """Units of base."""
    cum_qty: float = 0.0
    """What is filled of it."""


class SimulatedOrders:
    """The open orders of one bot, by id, in the order in which they were submitted."""

    def __init__(self) -> None:
        self._open: dict[str, SimulatedOrder] = {}
        self._changed: set[str] = set()

    def all(self) -> list[SimulatedOrder]:
        """All that are open."""
        return list(self._open.values())

    def note(self, event: Mapping[str, Any]) -> None:
        """Follows an order by the fields of an `OrderEvent`."""
        order = self._open.get(event["order_id"])
        if event["event"] == "submit":
            self._put(
                SimulatedOrder(**{name: event[name] for name in SimulatedOrder.model_fields if name != "cum_qty"})
            )
        elif order is None:
            return
        elif event["event"] in _ENDS or event.get("cum_qty", 0.0) >= order.qty * _FILLED_RATIO:
            self._remove(order.order_id)
        elif event["event"] == "fill":
            self._put(order.model_copy(update={"cum_qty": event["cum_qty"]}))

    def _put(self, order: SimulatedOrder) -> None:
        self._open[order.order_id] = order
        self._changed.add(order.order_id)
        if len(self._open) > MAX_OPEN:
            self._remove(next(iter(self._open)))

    def _remove(self, order_id: str) -> None:
        del self._open[order_id]
        self._changed.add(order_id)

    def take_changed(self) -> dict[str, SimulatedOrder | None]:
        """What has changed since it was last asked, by the order's id; None is open no more."""
        changed, self._changed = self._changed, set()
        return {order_id: self._open.get(order_id) for order_id in changed}

    def restore(self, orders: Iterable[SimulatedOrder]) -> None:
        """Takes over what an earlier process kept."""
        self._open |= {order.order_id: order for order in orders}
