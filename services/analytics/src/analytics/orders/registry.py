"""All known orders: found by account and id, joined when two ids turn out to be one order, and forgotten in time.

An order may be named by an alias (the new client id of a replace) before the replace has come, and by events without an
account before one with it has come. Both are links between keys; where a link joins two orders that are already known,
the facts of one go over to the other (`BotOrder.absorb`), so that the order in which links come does not matter.

An order that ended some seconds ago is kept packed, as bytes: nothing is expected of it but a late fill. A hundred
thousand objects of twenty parts would take the garbage collector a second each time it looks through them.
"""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Final, NamedTuple

import msgspec

from analytics.checkpoint.parts import State
from analytics.orders.order import BotOrder
from analytics.orders.order_states import ENDED
from analytics.orders.segments import Segments
from telemetry_schema import OrderEvent

KEEP_ENDED_NS: Final = 600_000_000_000
"""How long an order that has ended is kept for late fills and repeats."""

MAX_ORDERS: Final = 100_000
"""Orders kept in all, about 1 kB each. Beyond it the one that ended first goes, only then one that is open."""

EXPIRE_A_STEP: Final = 50
"""Orders packed or forgotten without a break: about a millisecond."""

MAX_NAMES: Final = 1_000
"""Names of one order. One that is replaced each second has another one each time; of those the oldest go."""

MAX_AHEAD_NS: Final = 60_000_000_000
"""What ended this far ahead of the clock shows that it was set back."""

WARM_NS: Final = 5_000_000_000
"""How long an order that has ended stays as it is: most of what comes late comes soon."""

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(BotOrder).decode


class Key(NamedTuple):
    """The key of an order."""

    account: str
    order_id: str


class FoundOrder(NamedTuple):
    """The order of an event and its key; `absorbed` was another one until this event showed that they are the same."""

    order: BotOrder
    key: Key
    is_new: bool = False
    absorbed: BotOrder | None = None


class KnownOrders:
    """Orders by key, bounded in number and age."""

    def __init__(self, *, max_orders: int = MAX_ORDERS, keep_ended_ns: int = KEEP_ENDED_NS) -> None:
        self._max_orders, self._keep_ended_ns = max_orders, keep_ended_ns
        self._orders: dict[Key, BotOrder | bytes] = {}
        """By key, the oldest first; those that ended some time ago are packed."""
        self._links: dict[tuple[str, str], Key] = {}
        self._linked_to: dict[Key, list[Key]] = {}
        self._ended: OrderedDict[Key, int] = OrderedDict()
        self._open: dict[Key, None] = {}
        self._warm: OrderedDict[Key, int] = OrderedDict()
        """Those of `_ended` that are not packed."""
        self._segments: Segments[Key] = Segments(self._row)
        self.forgotten_open = 0

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[BotOrder]:
        return map(_as_order, self._orders.values())

    def open_order(self, key: Key) -> BotOrder | None:
        """The order of a key, if it has not ended."""
        order = self._orders[key] if key in self._open else None
        return order if isinstance(order, BotOrder) else None

    def open_keys(self) -> list[Key]:
        """The keys of the orders that have not ended, the oldest first: for who reads them in steps."""
        return list(self._open)

    def newest_keys(self) -> list[Key]:
        """The keys of all orders, the newest first: for who reads them in steps."""
        return list(reversed(self._orders))

    @property
    def ended(self) -> int:
        """Orders that have ended and are still known."""
        return len(self._ended)

    def newest_ended_keys(self, at_most: int) -> list[Key]:
        """The keys of the orders that have ended and changed last, the newest first."""
        return list(islice(reversed(self._ended), at_most))

    def get(self, account: str, order_id: str) -> BotOrder | None:
        """The order with this id or alias, to be read; what changes it must come by `find`."""
        order = self._orders.get(self._root(Key(account, order_id)))
        return None if order is None else _as_order(order)

    def find(self, event: OrderEvent) -> FoundOrder:
        """The order that an event is about, made if there is none; takes note of the names that the event joins."""
        named = Key(event.account or event.source, event.order_id)
        order = self._orders.get(named)
        if isinstance(order, BotOrder) and self._joins_nothing(event, named):
            # Nearly every event but the first of an order comes by here.
            self._segments.touch(named)
            return FoundOrder(order, named)
        if order is None and event.alias is None and named not in self._links:
            nameless = Key(event.source, event.order_id)
            if nameless not in self._links and nameless not in self._orders:
                return self._begin(named, nameless)
        return self._join(event, named)

    def _begin(self, named: Key, nameless: Key) -> FoundOrder:
        """An order of which no name is known."""
        if nameless != named:
            self._links[nameless] = named
            self._linked_to.setdefault(named, []).append(nameless)
        return FoundOrder(self._new(named), named, is_new=True)

    def _joins_nothing(self, event: OrderEvent, named: Key) -> bool:
        """Whether all names of an event lead to an order already."""
        if event.alias is not None:
            return False
        source = event.source
        return source == named.account or self._links.get((source, named.order_id)) == named

    def _join(self, event: OrderEvent, named: Key) -> FoundOrder:
        absorbed = self._link_account(Key(event.source, event.order_id), named) if event.account else None
        if event.alias is not None:
            absorbed = self._link(named._replace(order_id=event.alias), named) or absorbed
        key = self._root(named)
        order = self._to_change(key)
        if order is not None:
            return FoundOrder(order, key, absorbed=absorbed)
        return FoundOrder(self._new(key), key, is_new=True, absorbed=absorbed)

    def _to_change(self, key: Key) -> BotOrder | None:
        """The order of a key, which is about to change."""
        order = self._orders.get(key)
        if order is None:
            return None
        self._segments.touch(key)
        if isinstance(order, bytes):
            order = self._orders[key] = _unpack(order)
        return order

    def _new(self, key: Key) -> BotOrder:
        order = self._orders[key] = BotOrder(key.account, key.order_id)
        self._segments.add(key)
        return order

    def settle(self, order: BotOrder, key: Key, now_ns: int) -> None:
        """Files an order after an event: among those that have ended, or not."""
        is_open = key in self._open
        if order.state not in ENDED:
            if not is_open:
                self._ended.pop(key, None)
                self._warm.pop(key, None)
                self._open[key] = None
            return
        if is_open:
            del self._open[key]
        for files in (self._ended, self._warm):
            files[key] = now_ns
            files.move_to_end(key)

    def cool(self, now_ns: int, *, at_most: int = EXPIRE_A_STEP) -> bool:
        """Packs orders that ended some seconds ago, at most so many; whether any was."""
        packed = 0
        while self._warm and packed < at_most:
            key, ended_ns = next(iter(self._warm.items()))
            # One that ended ahead of a clock that was set back must not keep all others unpacked.
            if 0 <= now_ns - ended_ns < WARM_NS:
                break
            del self._warm[key]
            self._orders[key] = _packed(self._orders[key])
            packed += 1
        return packed > 0

    def expire(self, now_ns: int, *, at_most: int = EXPIRE_A_STEP) -> list[BotOrder]:
        """Forgets what has ended long ago, and what is too many; returns what was forgotten, at most so many."""
        self._move_back(now_ns, at_most)
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

    def _move_back(self, now_ns: int, at_most: int) -> None:
        """Lets orders that ended ahead of a clock that was set back end now, at most so many: they keep others here."""
        ahead = takewhile(lambda item: item[1] - now_ns > MAX_AHEAD_NS, self._ended.items())
        for key, _ in list(islice(ahead, at_most)):
            self._segments.touch(key)  # when an order ended is saved with it
            self._ended[key] = now_ns
            self._ended.move_to_end(key)

    def state(self) -> State:
        """All orders and their names, the oldest first."""
        return self._segments.state()

    def _row(self, key: Key) -> list[object]:
        """What is saved of an order: its key, itself, when it ended, and its other names with what they lead to."""
        names = [(name, self._links[name]) for name in self._names(key) if name in self._links]
        return [key, _packed(self._orders[key]), self._ended.get(key), names]

    def _names(self, key: Key) -> Iterator[Key]:
        """A key and all names that lead to it."""
        names = [key]
        while names:
            name = names.pop()
            yield name
            names += self._linked_to.get(name, [])

    def restore(self, state: State) -> None:
        """Takes them over."""
        ended: list[tuple[int, Key]] = []
        for put, rows in self._segments.restore(state):
            for names, order, ended_ns, links in rows:
                key = Key(*names)
                self._orders[key] = order if ended_ns is not None else _unpack(order)
                put(key)
                if ended_ns is None:
                    self._open[key] = None
                else:
                    ended.append((ended_ns, key))
                for name, parent in links:
                    self._links[Key(*name)] = Key(*parent)
                    self._linked_to.setdefault(Key(*parent), []).append(Key(*name))
        self._ended = OrderedDict((key, ended_ns) for ended_ns, key in sorted(ended))

    def _forget(self, key: Key) -> BotOrder:
        self._segments.remove(key)
        self._unfile(key)
        self._unlink(key)
        return _as_order(self._orders.pop(key))

    def _unlink(self, key: Key) -> None:
        """Forgets that a key, and all names that lead to it, lead somewhere."""
        for name in list(self._names(key)):
            self._links.pop(name, None)
            self._linked_to.pop(name, None)

    def _forget_names(self, key: Key, names: list[Key]) -> None:
        """Leaves half of an order's names: those that came last, and its first id as any source says it."""
        oldest, newest = names[: len(names) // 2], names[len(names) // 2 :]
        for name in oldest:
            if name.order_id != key.order_id:
                self._unlink(name)
        names[:] = [*(name for name in oldest if name.order_id == key.order_id), *newest]

    def _unfile(self, key: Key) -> None:
        """Takes a key out of what orders are filed under after an event."""
        for files in (self._ended, self._warm, self._open):
            files.pop(key, None)

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
        # Both segments are about to change, and a capture may still need them as they are.
        order, other = self._to_change(parent), self._to_change(name)
        self._segments.remove(name)
        self._links[name] = parent
        names = self._linked_to.setdefault(parent, [])
        names.append(name)
        if len(names) > MAX_NAMES:
            self._forget_names(parent, names)
        self._orders.pop(name, None)
        self._unfile(name)
        if other is None:
            return None
        (order or self._new(parent)).absorb(other)
        return other


def _as_order(order: BotOrder | bytes) -> BotOrder:
    return _unpack(order) if isinstance(order, bytes) else order


def _packed(order: BotOrder | bytes) -> bytes:
    return order if isinstance(order, bytes) else _pack(order)
