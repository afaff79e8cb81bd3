"""What happens to the paper desk's orders, as the messages of any bot. Pure.

The command was stamped by the page's clock, the desk's answer by ingest's: between two clocks no latency is taken.
"""

from collections.abc import Iterator
from typing import Any, Final

from ingest.desk.outcome import Decision, OrderUpdate, PaperTrade
from telemetry_schema import MAX_TEXT_CHARS, OrderEvent, TradeCommand

VENUE: Final = "paper"
KILL_SWITCH: Final = "kill_switch"
"""The reason of a cancel that the kill switch did; such a one is no message in the order-to-trade ratio."""

_REASONS: Final = {
    "kill_switch": "risk",
    "too_old": "too_late",
    "unknown_symbol": "unknown_symbol",
    "stale_price": "closed",
    "max_qty": "limit_exceeded",
    "max_notional": "limit_exceeded",
    "price_band": "price_band",
    "rate": "rate_limit",
    "max_open_orders": "limit_exceeded",
}
"""The desk's codes, in the words that all venues share; any other is `other`."""


def order_events(command: TradeCommand, decision: Decision, *, account: str, now_ns: int) -> Iterator[OrderEvent]:
    """The events of a command that was decided now; of one that was answered before there are none."""
    if decision.outcome == "duplicate":
        return
    shared: dict[str, Any] = {
        "source": command.source,
        "order_id": str(command.command_id),
        "sent_ns": now_ns,
        "account": account,
        "venue": VENUE,
        "symbol": command.symbol,
        "side": command.side,
    }
    terms: dict[str, Any] = {
        "qty": command.qty,
        "order_type": "market" if command.price is None else "limit",
        "tif": command.tif,
    }
    yield OrderEvent(**shared, event="submit", clock="bot", event_ns=command.sent_ns, price=command.price, **terms)
    answer: dict[str, Any] = {**shared, "clock": "venue", "event_ns": now_ns}
    if decision.outcome == "refused":
        reason = _REASONS.get(decision.reason, "other")
        yield OrderEvent(**answer, event="reject", reason=reason, text=(decision.result.reason or "")[:MAX_TEXT_CHARS])
        return
    yield OrderEvent(**answer, event="ack")
    if decision.fill is not None:
        yield OrderEvent(**answer, **_execution(decision.fill), liquidity="taker")


def update_events(update: OrderUpdate, *, account: str) -> Iterator[OrderEvent]:
    """The events of what happened to a resting order: a fill, or its end with the request that led to it."""
    order, command, now_ns = update.order, update.order.command, update.at_ns
    shared: dict[str, Any] = {
        "source": command.source,
        "order_id": str(order.order_id),
        "sent_ns": now_ns,
        "account": account,
        "venue": VENUE,
        "symbol": command.symbol,
        "side": command.side,
    }
    answer: dict[str, Any] = {**shared, "clock": "venue", "event_ns": now_ns, "cum_qty": order.filled_qty}
    if update.fill is not None:
        yield OrderEvent(**answer, **_execution(update.fill), liquidity="maker")
        return
    if (request := update.cancelled_by) is not None:
        yield OrderEvent(**shared, event="cancel_request", clock="bot", event_ns=request.sent_ns)
    yield OrderEvent(**answer, event="cancel", reason=KILL_SWITCH if request is None else "user")


def _execution(fill: PaperTrade) -> dict[str, Any]:
    return {"event": "fill", "exec_id": fill.id, "last_qty": fill.qty, "last_price": fill.price}
