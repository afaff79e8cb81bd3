"""An order as the page and `GET /orders` show it. Pure."""

from analytics.orders.order import BotOrder
from analytics.output.numbers import finite_or_none, to_json_number
from telemetry_schema import OrderSummary


def order_summary(order: BotOrder) -> OrderSummary:
    """The order now."""
    return OrderSummary.model_validate(
        {
            "account": order.account,
            "order_id": order.order_id,
            "source": order.source,
            "strategy": order.strategy,
            "venue": order.venue,
            "symbol": order.symbol,
            "side": order.side,
            "order_type": order.order_type,
            "tif": order.tif,
            "state": order.state.value,
            "in_doubt": order.in_doubt,
            "waits_for": _waits_for(order),
            "qty": order.qty,
            "price": order.ordered_price.value if order.ordered_price else None,
            "filled_qty": to_json_number(order.filled_qty),
            "inferred_qty": to_json_number(order.inferred.qty),
            "average_price": finite_or_none(order.executions.average_price),
            "began_ns": order.begun_ns,
            "touched_ns": order.touched_ns,
        }
    )


def _waits_for(order: BotOrder) -> str | None:
    if order.waits_for("cancel_request"):
        return "cancel"
    return "replace" if order.waits_for("replace_request") else None
