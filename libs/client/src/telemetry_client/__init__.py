"""What a trading bot imports to send its trades.

- `publisher`: `Publisher`, which checks, numbers and sends; `stats`: what it counted.
- `order_messages`: what a bot reports of its own orders; `placing`: times the call that places one.
- `run_counts`, `heartbeat`: how far the run has come, and the thread that reports it.
- `connection`: the socket, and its optional keys; the only module that knows ZeroMQ.
- `errors`: what it raises.
"""

from telemetry_client.curve_keys import CurveKeys
from telemetry_client.errors import (
    ClientError,
    ClosedError,
    ForkedError,
    InvalidOrderError,
    InvalidSettingError,
    InvalidTradeError,
)
from telemetry_client.publisher import Publisher
from telemetry_client.stats import Stats

__all__ = [
    "ClientError",
    "ClosedError",
    "CurveKeys",
    "ForkedError",
    "InvalidOrderError",
    "InvalidSettingError",
    "InvalidTradeError",
    "Publisher",
    "Stats",
]
