"""Events of orders, made short, and random lives of orders that a venue might tell."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker, TrackerLimits
from telemetry_schema import OrderEvent

T0 = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000


def no_trade(_symbol: str) -> tuple[float, int] | None:
    return None


def tracker(**limits: int) -> OrderTracker:
    return OrderTracker(Marks(no_trade), limits=TrackerLimits(**limits))


def event(name: str, order_id: str = "o-1", at_ns: int = T0, **fields: Any) -> OrderEvent:  # noqa: ANN401 - fields of any type
    """An event by the bot's clock with what its kind needs."""
    needs: dict[str, Any] = {
        "submit": {"symbol": "BTC-USD", "side": "buy", "qty": 10.0},
        "fill": {"symbol": "BTC-USD", "side": "buy", "last_qty": 1.0, "last_price": 100.0},
        "replace": {"qty": 10.0},
        "bust": {"ref_exec_id": "x-1"},
        "correct": {"ref_exec_id": "x-1", "last_qty": 1.0, "last_price": 100.0},
    }
    values = {
        "source": "bot",
        "event": name,
        "order_id": order_id,
        "event_ns": at_ns,
        "sent_ns": at_ns,
        "clock": "bot",
        **needs.get(name, {}),
        **fields,
    }
    return OrderEvent.model_validate({"type": "order", **values})


@dataclass
class Life:
    """A random life of one order, in the order in which it happened."""

    random: Random
    order_id: str
    events: list[OrderEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_ns = T0 + self.random.randrange(1_000) * SECOND
        self.qty = float(self.random.randint(1, 20))
        self.cum = self.cost = 0.0
        self.fills: dict[str, tuple[float, float]] = {}
        self.names = [self.order_id]
        self.side = self.random.choice(["buy", "sell"])
        self.clock = self.random.choice(["bot", "adapter"])

    def add(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - fields of any type
        self.now_ns += self.random.randrange(1, 50) * MS
        mixed = self.random.random() < 0.1
        stamps: dict[str, Any] = {"clock": self.random.choice(["bot", "adapter"]) if mixed else self.clock}
        if kind in {"ack", "fill", "cancel", "expire", "reject", "replace"} and self.random.random() < 0.5:
            stamps = {"clock": "venue", "seen_ns": self.now_ns + 5 * MS, "seen_by": self.clock}
        identity = {"account": "acct", "strategy": "s", "venue": "v"}
        self.events.append(event(kind, self.random.choice(self.names), self.now_ns, **identity, **stamps, **fields))

    def tell(self) -> list[OrderEvent]:
        self.add("submit", symbol="BTC-USD", side=self.side, qty=self.qty, price=100.0)
        if self.random.random() < 0.1:
            self.add(self.random.choice(["reject", "deny"]), reason="risk")
            return self.events
        if self.random.random() < 0.9:
            self.add("ack")
        for number in range(self.random.randrange(6)):
            self._step(number)
        if self.cum < self.qty and self.random.random() < 0.5:
            self.add("cancel_request")
            self.add(self.random.choice(["cancel", "expire"]))
            if self.random.random() < 0.2:
                self.add(self.random.choice(["cancel", "expire"]))  # a venue that says both
        return self.events

    def _step(self, number: int) -> None:
        chance = self.random.random()
        if chance < 0.15:
            self._replace(number)
        elif chance < 0.25 and self.fills:
            self._bust_or_correct(number)
        elif self.cum < self.qty:
            self._fill(number)

    def _replace(self, number: int) -> None:
        alias = f"{self.order_id}-r{number}"
        self.add("replace_request", alias=alias)
        self.qty = max(self.cum, 1.0) + self.random.randint(0, 10)
        self.add("replace", alias=alias, qty=self.qty, price=100.0 + number)
        self.names.append(alias)

    def _fill(self, number: int) -> None:
        qty, price = float(self.random.randint(1, int(self.qty - self.cum))), 100.0 + self.random.randint(-5, 5)
        exec_id = f"{self.order_id}-x{number}"
        self.cum, self.cost = self.cum + qty, self.cost + qty * price
        self.fills[exec_id] = (qty, price)
        told = {"cum_qty": self.cum, "avg_price": self.cost / self.cum} if not number % 2 else {}
        self.add(
            "fill", symbol="BTC-USD", side=self.side, exec_id=exec_id, last_qty=qty, last_price=price,
            fee=0.1, fee_currency="USD", liquidity="maker", **told,
        )  # fmt: skip

    def _bust_or_correct(self, number: int) -> None:
        ref = self.random.choice(list(self.fills))
        qty, price = self.fills.pop(ref)
        self.cum, self.cost = self.cum - qty, self.cost - qty * price
        if self.random.random() < 0.5:
            self.add("bust", ref_exec_id=ref)
            return
        exec_id = f"{ref}-c{number}"
        self.fills[exec_id] = (qty, price + 1)
        self.cum, self.cost = self.cum + qty, self.cost + qty * (price + 1)
        self.add("correct", ref_exec_id=ref, exec_id=exec_id, last_qty=qty, last_price=price + 1)
