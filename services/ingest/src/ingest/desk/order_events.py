"""What happens to the paper desk's orders, told as any bot tells it. Pure.

The command was stamped by the page's clock, the desk's answer by ingest's: between two clocks no latency is taken.
"""

from collections.abc import Iterator
from typing import Any, Final

from ingest.desk.outcome import Decision
from telemetry_schema import MAX_TEXT_CHARS, OrderEvent, TradeCommand

VENUE: Final = "paper"

_REASONS: Final = {
    "kill_switch": "risk",
    "too_old": "too_late",
    "unknown_symbol": "unknown_symbol",
    "stale_price": "closed",
    "max_qty": "limit_exceeded",
    "max_notional": "limit_exceeded",
    "price_band": "price_band",
    "rate": "rate_limit",
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
    terms: dict[str, Any] = {"qty": command.qty, "order_type": "market" if command.price is None else "limit"}
    yield OrderEvent(**shared, event="submit", clock="bot", event_ns=command.sent_ns, price=command.price, **terms)
    answer: dict[str, Any] = {**shared, "clock": "venue", "event_ns": now_ns}
    if decision.fill is None:
        reason = _REASONS.get(decision.reason, "other")
        yield OrderEvent(**answer, event="reject", reason=reason, text=(decision.result.reason or "")[:MAX_TEXT_CHARS])
        return
    yield OrderEvent(**answer, event="ack")
    yield OrderEvent(
        **answer,
        event="fill",
        exec_id=decision.fill.id,
        last_qty=decision.fill.qty,
        last_price=decision.fill.price,
        liquidity="taker",
    )
