"""Trades and messages for tests."""

import json
from typing import Any

NOW_NS = 1_700_000_000_000_000_000


def trade(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - tests put in what they like
    """A valid trade, with changes; a change to None takes the field out."""
    fields: dict[str, Any] = {
        "type": "trade",
        "source": "bot",
        "symbol": "BTC-USD",
        "side": "buy",
        "qty": 0.5,
        "price": 61000.0,
        "event_ns": NOW_NS,
        "sent_ns": NOW_NS,
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def columns(count: int = 3, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """A valid columnar message of `count` trades, with changes."""
    fields: dict[str, Any] = {
        "type": "trades",
        "source": "bot",
        "sent_ns": NOW_NS,
        "symbol": ["BTC-USD"] * count,
        "side": ["buy"] * count,
        "qty": [0.5] * count,
        "price": [61000.0] * count,
        "event_ns": [NOW_NS] * count,
    }
    fields.update(changes)
    return fields


def frame(message: dict[str, Any]) -> bytes:
    """A message as it travels."""
    return json.dumps(message).encode()
