"""What a bot reports of its own orders: the part of `Publisher` that is about orders, quotes, positions and limits."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, TypedDict, Unpack, cast

from pydantic import ValidationError

from telemetry_client.checks import describe, with_plain_numbers
from telemetry_client.errors import InvalidOrderError
from telemetry_client.placing import Placing
from telemetry_schema import (
    BotMessage,
    ClockName,
    Liquidity,
    MessageEncoder,
    OrderEvent,
    OrderEventName,
    OrderType,
    PositionReport,
    Quote,
    RateLimitReport,
    SeenBy,
    TimeInForce,
)


class OrderDetails(TypedDict, total=False):
    """What may be said of any event; fields and units are those of `OrderEvent`."""

    event_ns: int
    clock: ClockName
    seen_ns: int
    seen_by: SeenBy
    resolution_ns: int
    account: str
    strategy: str
    venue: str
    venue_order_id: str
    alias: str
    ref_exec_id: str
    order_type: OrderType
    tif: TimeInForce
    post_only: bool
    reduce_only: bool
    stop_price: float
    cum_qty: float
    avg_price: float
    fee: float
    fee_currency: str
    liquidity: Liquidity
    text: str
    decision_ns: int
    tick_ns: int
    decision_price: float
    arrival_price: float
    replayed: bool


_OF_ANSWER: Final = frozenset({"account", "strategy", "venue"})


def _of_answer(details: OrderDetails) -> OrderDetails:
    """Of what was said of the submit, what holds for the answer too."""
    return cast("OrderDetails", {name: value for name, value in details.items() if name in _OF_ANSWER})


class OrderMessages(ABC):
    """Builds the messages; whoever inherits sends them.

    All answer True if the message was queued, False if it was dropped, and stamp it with the time now unless `event_ns`
    is given. An order without an account has the publisher's. All raise `InvalidOrderError` if a value is missing, of
    the wrong type or out of range, and else what `Publisher.trade` raises.
    """

    _head: dict[str, str]
    _account: dict[str, str]
    _encoders: dict[type[BotMessage], MessageEncoder]

    def order(  # noqa: PLR0913 - the fields of an event, all but two by name only
        self,
        event: OrderEventName,
        order_id: str,
        *,
        symbol: str | None = None,
        side: Literal["buy", "sell"] | None = None,
        qty: float | None = None,
        price: float | None = None,
        last_qty: float | None = None,
        last_price: float | None = None,
        exec_id: str | None = None,
        reason: str | None = None,
        **details: Unpack[OrderDetails],
    ) -> bool:
        """Sends any event in the life of an order."""
        own = {"event": event, "order_id": order_id, "symbol": symbol, "side": side, "qty": qty, "price": price}
        own |= {"last_qty": last_qty, "last_price": last_price, "exec_id": exec_id, "reason": reason}
        return self._send_message(OrderEvent, {"clock": "bot", **self._account, **own, **details})

    def order_submitted(
        self,
        order_id: str,
        symbol: str,
        side: Literal["buy", "sell"],
        qty: float,
        price: float | None = None,
        **details: Unpack[OrderDetails],
    ) -> bool:
        """Sends that an order goes out now; a price makes it a limit order unless `order_type` says else."""
        details.setdefault("order_type", "market" if price is None else "limit")
        return self.order("submit", order_id, symbol=symbol, side=side, qty=qty, price=price, **details)

    def placing(
        self,
        order_id: str,
        symbol: str,
        side: Literal["buy", "sell"],
        qty: float,
        price: float | None = None,
        *,
        reason_of: Callable[[BaseException], str | None] | None = None,
        **details: Unpack[OrderDetails],
    ) -> Placing:
        """Times the call that places an order: `async with publisher.placing(...):`, or `with`; see `Placing`."""
        return Placing(
            partial(self.order_submitted, order_id, symbol, side, qty, price, **details),
            lambda event, **fields: self.order(event, order_id, **_of_answer(details), **fields),
            reason_of,
        )

    def order_acked(self, order_id: str, **details: Unpack[OrderDetails]) -> bool:
        """Sends that the venue has acknowledged an order."""
        return self.order("ack", order_id, **details)

    def order_filled(
        self,
        order_id: str,
        symbol: str,
        side: Literal["buy", "sell"],
        qty: float,
        price: float,
        *,
        exec_id: str | None = None,
        **details: Unpack[OrderDetails],
    ) -> bool:
        """Sends an execution of `qty` at `price`; by its `exec_id` it counts once, however often it is sent."""
        return self.order(
            "fill", order_id, symbol=symbol, side=side, last_qty=qty, last_price=price, exec_id=exec_id, **details
        )

    def order_cancelled(self, order_id: str, **details: Unpack[OrderDetails]) -> bool:
        """Sends that what was left of an order is cancelled."""
        return self.order("cancel", order_id, **details)

    def order_rejected(self, order_id: str, reason: str, **details: Unpack[OrderDetails]) -> bool:
        """Sends that the venue has refused an order; a reason that is not in `REJECT_REASONS` counts as `other`."""
        return self.order("reject", order_id, reason=reason, **details)

    def order_replaced(
        self, order_id: str, qty: float, price: float | None = None, **details: Unpack[OrderDetails]
    ) -> bool:
        """Sends that an order has a new quantity or price; `alias` is its new id, if it got one."""
        return self.order("replace", order_id, qty=qty, price=price, **details)

    def quote(self, symbol: str, bid: float, ask: float, *, event_ns: int | None = None) -> bool:
        """Sends the best bid and ask of a symbol; one in 100 ms is enough."""
        return self._send_message(Quote, {"symbol": symbol, "bid": bid, "ask": ask, "event_ns": event_ns})

    def position(
        self,
        symbol: str,
        qty: float,
        *,
        account: str | None = None,
        strategy: str | None = None,
        avg_price: float | None = None,
        event_ns: int | None = None,
    ) -> bool:
        """Sends what the peer says it holds, units of base, negative if short."""
        own = {"symbol": symbol, "qty": qty, "strategy": strategy, "avg_price": avg_price, "event_ns": event_ns}
        return self._send_message(PositionReport, {**self._named(account), **own})

    def rate_limit(
        self,
        venue: str,
        limit: str,
        *,
        used: float,
        allowed: float,
        interval_s: float,
        account: str | None = None,
        event_ns: int | None = None,
    ) -> bool:
        """Sends how much of a venue's limit is used."""
        own = {"venue": venue, "limit": limit, "used": used, "allowed": allowed, "interval_s": interval_s}
        return self._send_message(RateLimitReport, {**self._named(account), **own, "event_ns": event_ns})

    def _named(self, account: str | None) -> dict[str, str]:
        return {"account": account or self._account.get("account") or self._head["source"]}

    def _send_message(self, model: type[BotMessage], fields: dict[str, Any]) -> bool:
        now_ns = time.time_ns()
        # What was not given is left out of the message.
        found = {name: value for name, value in fields.items() if value is not None}
        found["sent_ns"] = now_ns
        found.setdefault("event_ns", now_ns)
        try:
            frame = with_plain_numbers(self._encoder(model).encode, found)
        except ValidationError as error:
            raise InvalidOrderError(describe(error)) from error
        return self._send(model.model_fields["type"].default, frame)

    def _encoder(self, model: type[BotMessage]) -> MessageEncoder:
        """Made when it is first needed, which takes a millisecond. Two threads may make two: either will do."""
        encoder = self._encoders.get(model)
        if encoder is None:
            encoder = self._encoders[model] = MessageEncoder(model, self._head)
        return encoder

    @abstractmethod
    def _send(self, kind: str, frame: bytes) -> bool:
        """Numbers the frame of a message among those of its kind and queues it."""
