"""Orders whose latencies, slippage, markouts and profit are known to the last digit, sent as a bot would.

Two strategies of one account trade ORD-USD, whose mid is 100 when orders arrive and 102 from a second later on. All
that is stamped lies a minute and more back, so that each markout's moment has come when the fills arrive.
"""

import time
from typing import Final, NamedTuple

from telemetry_client import Publisher
from telemetry_client.order_messages import OrderDetails
from telemetry_schema import Side

ACCOUNT: Final = "desk"
SYMBOL: Final = "ORD-USD"
VENUE: Final = "planted"
MS: Final = 1_000_000
S: Final = 1_000 * MS
ACK_NS: Final = 20 * MS
FILL_NS: Final = 50 * MS
BACK_NS: Final = 66 * S
MAKER_ORDERS, TAKER_ORDERS, SELLS, REJECTS = 10, 10, 4, 1


class Plan(NamedTuple):
    """An order as it goes out."""

    strategy: str
    name: str
    side: Side
    qty: float
    price: float
    arrival: float


class DeskOrders:
    """One wave of orders; `run` sends it."""

    def __init__(self, publisher: Publisher, name: str) -> None:
        self._to, self._name = publisher, name
        self.began_ns = 0

    def run(self) -> None:
        """Sends all events and waits until they are gone."""
        self.began_ns = base_ns = time.time_ns() - BACK_NS
        self._quotes(base_ns)
        for number in range(MAKER_ORDERS):
            self._filled(Plan("maker", f"m{number}", "buy", 2.0, 100.5, 100.0), base_ns + number * MS, fee=-0.05)
        for number in range(TAKER_ORDERS):
            self._filled(Plan("taker", f"t{number}", "buy", 1.0, 101.0, 100.0), base_ns + number * MS, fee=0.2)
        for number in range(SELLS):
            self._filled(Plan("taker", f"s{number}", "sell", 1.0, 101.5, 101.6), base_ns + 2 * S, fee=0.2)
        for number in range(REJECTS):
            order_id = self._submit(Plan("taker", f"r{number}", "buy", 1.0, 1.0, 100.0), base_ns + 3 * S)
            self._to.order_rejected(order_id, "insufficient_funds", **at("taker", base_ns + 3 * S + ACK_NS))
        self._acked(Plan("maker", "o", "buy", 1.0, 99.0, 100.0), base_ns + 3 * S)
        self._cancelled(Plan("maker", "c", "buy", 1.0, 99.0, 100.0), base_ns + 3 * S)
        assert self._to.flush(5)

    def limits(self, position: float) -> None:
        """What the peer says of limits and of its position."""
        self._to.rate_limit(VENUE, "orders", used=12, allowed=100, interval_s=60.0)
        self._to.position(SYMBOL, position, account=ACCOUNT)
        assert self._to.flush(5)

    def _quotes(self, base_ns: int) -> None:
        for after_s, mid in ((-1.0, 100.0), (0.9, 102.0), (4.9, 102.0), (29.9, 102.0), (59.9, 102.0), (65.5, 102.0)):
            self._to.quote(SYMBOL, mid - 0.5, mid + 0.5, event_ns=base_ns + round(after_s * S))

    def _filled(self, plan: Plan, at_ns: int, *, fee: float) -> None:
        order_id = self._acked(plan, at_ns)
        details = at(plan.strategy, at_ns + FILL_NS)
        details |= {"fee": fee, "fee_currency": "USD", "liquidity": "maker" if fee < 0 else "taker"}
        self._to.order_filled(order_id, SYMBOL, plan.side, plan.qty, plan.price, exec_id=f"x-{order_id}", **details)

    def _submit(self, plan: Plan, at_ns: int) -> str:
        order_id = f"{self._name}-{plan.name}"
        details = at(plan.strategy, at_ns)
        details |= {"decision_ns": at_ns - 2 * MS, "tick_ns": at_ns - 5 * MS}
        details |= {"arrival_price": plan.arrival, "decision_price": plan.arrival}
        self._to.order_submitted(order_id, SYMBOL, plan.side, plan.qty, plan.price, **details)
        return order_id

    def _acked(self, plan: Plan, at_ns: int) -> str:
        order_id = self._submit(plan, at_ns)
        self._to.order_acked(order_id, **at(plan.strategy, at_ns + ACK_NS))
        return order_id

    def _cancelled(self, plan: Plan, at_ns: int) -> None:
        order_id = self._acked(plan, at_ns)
        self._to.order("cancel_request", order_id, **at(plan.strategy, at_ns + S))
        self._to.order_cancelled(order_id, **at(plan.strategy, at_ns + S + 10 * MS))


def at(strategy: str, at_ns: int) -> OrderDetails:
    """What every event says."""
    return {"account": ACCOUNT, "strategy": strategy, "venue": VENUE, "event_ns": at_ns, "clock": "bot"}
