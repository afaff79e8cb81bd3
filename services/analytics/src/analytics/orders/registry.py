"""All known orders: found by account and id, joined when two ids turn out to be one order, and forgotten in time.

An order may be named by an alias (the new client id of a replace) before the replace has come, and by events without an
account before one with it has come. Both are links between keys; where a link joins two orders that are already known,
the facts of one go over to the other (`BotOrder.absorb`), so that the order in which links come does not matter.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
from msgspec import convert

from analytics.checkpoint.parts import State
from analytics.orders.order import ENDED, BotOrder
from telemetry_schema import OrderEvent

KEEP_ENDED_NS: Final = 600_000_000_000
"""How long an order that has ended is kept for late fills and repeats."""

MAX_ORDERS: Final = 100_000
"""Orders kept in all, about 1 kB each. Beyond it the one that ended first goes, only then one that is open."""


EXPIRE_A_STEP: Final = 500
"""Orders forgotten without a break: about a millisecond."""

_pack: Final = msgspec.msgpack.Encoder().encode


class Key(NamedTuple):
    """The key of an order."""

    account: str
    order_id: str


class FoundOrder(NamedTuple):
    """The order of an event; `absorbed` was another one until this event showed that they are the same."""

    order: BotOrder
    is_new: bool
    absorbed: BotOrder | None = None


class KnownOrders:
    """Orders by key, bounded in number and age."""

    def __init__(self, *, max_orders: int = MAX_ORDERS, keep_ended_ns: int = KEEP_ENDED_NS) -> None:
        self._max_orders, self._keep_ended_ns = max_orders, keep_ended_ns
        self._orders: dict[Key, BotOrder] = {}
        self._links: dict[Key, Key] = {}
        self._linked_to: dict[Key, list[Key]] = {}
        self._ended: OrderedDict[Key, int] = OrderedDict()
        self._open: dict[Key, None] = {}
        self._packed: dict[Key, msgspec.Raw] = {}
        """Orders that have ended, as they were saved last: thousands of them must not be packed anew each second."""
        self.forgotten_open = 0

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[BotOrder]:
        return iter(self._orders.values())

    def open_orders(self) -> Iterator[BotOrder]:
        """The orders that have not ended."""
        return (self._orders[key] for key in self._open)

    def get(self, account: str, order_id: str) -> BotOrder | None:
        """The order with this id or alias."""
        return self._orders.get(self._root(Key(account, order_id)))

    def find(self, event: OrderEvent) -> FoundOrder:
        """The order that an event is about, made if there is none; takes note of the names that the event joins."""
        named = Key(event.account or event.source, event.order_id)
        absorbed = self._link_account(Key(event.source, event.order_id), named) if event.account else None
        if event.alias is not None:
            absorbed = self._link(named._replace(order_id=event.alias), named) or absorbed
        key = self._root(named)
        self._packed.pop(key, None)  # it is about to change
        order = self._orders.get(key)
        if order is not None:
            return FoundOrder(order, is_new=False, absorbed=absorbed)
        order = self._orders[key] = BotOrder(key.account, key.order_id)
        return FoundOrder(order, is_new=True, absorbed=absorbed)

    def settle(self, order: BotOrder, now_ns: int) -> None:
        """Files an order after an event: among those that have ended, or not."""
        key = Key(order.account, order.order_id)
        self._ended.pop(key, None)
        if order.state in ENDED:
            self._open.pop(key, None)
            self._ended[key] = now_ns
        else:
            self._open[key] = None

    def expire(self, now_ns: int, *, at_most: int = EXPIRE_A_STEP) -> list[BotOrder]:
        """Forgets what has ended long ago, and what is too many; returns what was forgotten, at most so many."""
        gone: list[BotOrder] = []
        while self._ended and len(gone) < at_most:
            key, ended_ns = next(iter(self._ended.items()))
            if now_ns - ended_ns < self._keep_ended_ns and len(self._orders) <= self._max_orders:
                break
            gone.append(self._forget(key))
        while len(self._orders) > self._max_orders and len(gone) < at_most:
            # The first of a dict is the oldest; an order that was never ended is lost sight of, and that is counted.
            gone.append(self._forget(next(iter(self._orders))))
            self.forgotten_open += 1
        return gone

    def state(self) -> State:
        """All orders and their names, the oldest first."""
        return {
            "orders": [self._saved(key, order) for key, order in self._orders.items()],
            "links": list(self._links.items()),
            "ended": list(self._ended.items()),
            "forgotten_open": self.forgotten_open,
        }

    def _saved(self, key: Key, order: BotOrder) -> msgspec.Raw | BotOrder:
        """An order for the checkpoint: packed, if it has ended and has not changed since the last one."""
        packed = self._packed.get(key)
        if packed is not None or key not in self._ended:
            return packed or order
        self._packed[key] = packed = msgspec.Raw(_pack(order))
        return packed

    def restore(self, state: State) -> None:
        """Takes them over."""
        orders = convert(state["orders"], list[BotOrder])
        self._orders = {Key(order.account, order.order_id): order for order in orders}
        for name, parent in state["links"]:
            self._links[Key(*name)] = Key(*parent)
            self._linked_to.setdefault(Key(*parent), []).append(Key(*name))
        self._ended = OrderedDict((Key(*key), ended_ns) for key, ended_ns in state["ended"])
        self._open = dict.fromkeys(key for key in self._orders if key not in self._ended)
        self.forgotten_open = state["forgotten_open"]

    def _forget(self, key: Key) -> BotOrder:
        self._ended.pop(key, None)
        self._packed.pop(key, None)
        self._open.pop(key, None)
        names = [key]
        while names:
            name = names.pop()
            self._links.pop(name, None)
            names += self._linked_to.pop(name, [])
        return self._orders.pop(key)

    def _root(self, key: Key) -> Key:
        while (parent := self._links.get(key)) is not None:
            key = parent
        return key

    def _link_account(self, nameless: Key, named: Key) -> BotOrder | None:
        """Joins what a source said without an account to what it says with one."""
        root = self._root(nameless)
        # An alias that was first used without an account already leads to an order of this account.
        return self._link(named, root) if root.account == named.account else self._link(nameless, named)

    def _link(self, name: Key, parent: Key) -> BotOrder | None:
        """Makes `name` another name of `parent`; the order that was known by it until now, if any."""
        name, parent = self._root(name), self._root(parent)
        if name == parent:
            return None
        self._links[name] = parent
        self._linked_to.setdefault(parent, []).append(name)
        other = self._orders.pop(name, None)
        self._ended.pop(name, None)
        self._packed.pop(name, None)
        self._open.pop(name, None)
        if other is None:
            return None
        order = self._orders.get(parent)
        if order is None:
            order = self._orders[parent] = BotOrder(parent.account, parent.order_id)
        order.absorb(other)
        return other
