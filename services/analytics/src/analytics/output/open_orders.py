"""What is open, summed for the metrics in steps: there may be a hundred thousand open orders."""

from dataclasses import dataclass, field
from typing import Final

from analytics.cooperative import Steps
from analytics.orders.order import BotOrder
from analytics.orders.quality import Counts, counts
from analytics.orders.tracker import OrderTracker

ORDERS_A_STEP: Final = 200
"""Orders looked at without a break: about a millisecond."""


@dataclass(frozen=True, slots=True)
class OpenTotals:
    """Sums over all open orders, by the values of the metrics' labels."""

    number: Counts = field(default_factory=counts)
    notional: Counts = field(default_factory=counts)
    """What may still be filled at the orders' own prices, quote currency."""
    begun_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """Of the oldest order by account and symbol the first event, UTC epoch seconds."""
    in_doubt: Counts = field(default_factory=counts)

    def add(self, order: BotOrder, orders: OrderTracker) -> None:
        """Adds an order."""
        book = orders.books.known((order.account, order.strategy, order.symbol))
        side = order.side or ""
        self.number[*book, side] += 1
        if order.ordered_price is not None:
            self.notional[*book, side, orders.books.currency(book)] += order.leaves_qty * abs(order.ordered_price.value)
        begun_s, account = order.begun_ns / 1e9, (book.account, book.symbol)
        self.begun_s[account] = min(self.begun_s.get(account, begun_s), begun_s)
        self.in_doubt[book.account, "unknown"] += order.in_doubt


def open_totals(orders: OrderTracker) -> Steps[OpenTotals]:
    """The sums; an order that ends between two steps is in or not, never half."""
    totals, registry = OpenTotals(), orders.registry
    for number, key in enumerate(registry.open_keys(), 1):
        order = registry.open_order(key)
        if order is not None:
            totals.add(order, orders)
        if number % ORDERS_A_STEP == 0:
            yield
    return totals
