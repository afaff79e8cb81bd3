"""Brings the books in line with what stands of an order, and counts each execution once when it first stands."""

from collections.abc import Callable
from typing import Final

from analytics.orders.books import BookKey, Books, ProfitBook
from analytics.orders.executions import NOTHING_INFERRED, Execution, Inferred
from analytics.orders.marks import Marks
from analytics.orders.order import BotOrder
from analytics.orders.order_states import ENDED
from analytics.orders.quality import Counts, Quality, counts

DUST_QTY: Final = 1e-12
"""An inferred quantity below this is what rounding has left of the others."""


class Bookkeeper:
    """Books orders, by what they have booked so far (`BotOrder.booking`).

    Args:
        books: where to.
        quality: is given each new execution, and each end.
        marks: prices to compare fills with.
        label: gives the name under which a source is counted.
    """

    def __init__(self, books: Books, quality: Quality, marks: Marks, label: Callable[[str], str]) -> None:
        self._books, self._quality, self._marks, self._label = books, quality, marks, label
        self.inferred_fills: Counts = counts()
        """By source."""
        self.fees_paid: Counts = counts()
        self.rebates: Counts = counts()
        self.inferred_qty: Counts = counts()
        """By account and symbol, units of base."""

    def book(self, order: BotOrder, now_ns: int) -> None:
        """Brings the books in line with an order."""
        if not order.symbol or order.side is None:
            return
        booking, key = order.booking, self._key(order)
        executions = order.executions
        if not executions.is_plain:
            self._book_changes(order, key, now_ns)
        elif len(executions.fills) != len(booking.keys):
            for name in executions.newest(besides=booking.keys):
                self._fill(order, key, name, now_ns)
        if order.inferred is not booking.inferred:
            self._book_inferred(order, key, order.inferred)
        if booking.uncompared and order.submitted:
            self._compare(order, key)
        if order.state in ENDED:
            self._quality.end(order, key)

    def _key(self, order: BotOrder) -> BookKey:
        """The book of an order; what it has booked in another one moves there."""
        booking = order.booking
        known = booking.book
        if known is not None and known == (order.account, order.strategy, order.symbol):
            return known
        key = self._books.label(BookKey(order.account, order.strategy, order.symbol))
        if known is not None and known != key:
            self.unbook(order)
        booking.book = key
        return key

    def _book_changes(self, order: BotOrder, key: BookKey, now_ns: int) -> None:
        """Books an order of which executions were taken back or changed."""
        standing, keys = order.executions.effective(), order.booking.keys
        for gone in keys - standing.keys():
            self._unfill(order, key, gone)
        for name in [name for name in standing if name not in keys]:
            self._fill(order, key, name, now_ns)

    def unbook(self, order: BotOrder) -> None:
        """Takes all that an order has booked out of its book."""
        booking = order.booking
        if booking.book is None:
            return
        for name in list(booking.keys):
            self._unfill(order, booking.book, name)
        self._book_inferred(order, booking.book, NOTHING_INFERRED)
        booking.book = None

    def _fill(self, order: BotOrder, key: BookKey, name: str, now_ns: int) -> None:
        fill, book = order.executions.fills[name], self._books.open(key)
        book.fill(_sign(order), fill)
        order.booking.keys.add(name)
        value = self._fee_value(order, name, fill, book)
        book.converted_fees += value or 0.0
        if name in order.booking.counted:
            return
        order.booking.counted.add(name)
        self._quality.fill(order, fill, key, book.currency, now_ns)
        order.booking.uncompared.add(name)
        if order.submitted or order.arrival_price is not None:
            self._compare(order, key)
        if fill.fee:
            paid, currency = self.fees_paid if fill.fee > 0 else self.rebates, book.fee_label(fill.fee_currency)
            paid[key.account, key.strategy, currency] += abs(fill.fee)
            if value is None and currency != book.currency:
                self._books.unpriced_fees[currency] += abs(fill.fee)

    def _fee_value(self, order: BotOrder, name: str, fill: Execution, book: ProfitBook) -> float | None:
        """A fee in another currency than the book's at its price of now, which is kept: it is taken back as it was.

        One that had no price when it was counted has none later: it is among the unpriced ones for good.
        """
        values = order.booking.fee_values
        if fill.fee and fill.fee_currency != book.currency and name not in order.booking.counted:
            price = self._books.fee_price(fill.fee_currency, order.symbol, fill.price, self._marks)
            if price is not None:
                values[name] = fill.fee * price
        return values.get(name)

    def _compare(self, order: BotOrder, key: BookKey) -> None:
        """Compares the prices of fills with those that were there when the order was submitted."""
        currency = self._books.open(key).currency
        for name in order.booking.uncompared:
            self._quality.slip(order, order.executions.fills[name], key, currency, self._marks)
        order.booking.uncompared.clear()

    def _unfill(self, order: BotOrder, key: BookKey, name: str) -> None:
        book = self._books.open(key)
        book.unfill(_sign(order), order.executions.fills[name])
        book.converted_fees -= order.booking.fee_values.get(name, 0.0)
        order.booking.keys.discard(name)

    def _book_inferred(self, order: BotOrder, key: BookKey, inferred: Inferred) -> None:
        booking, book = order.booking, self._books.open(key)
        if inferred.is_like(booking.inferred):
            return
        if (old := booking.inferred.execution) is not None:
            book.unfill(_sign(order), old)
        if (new := inferred.execution) is not None:
            book.fill(_sign(order), new)
        if inferred.qty > booking.inferred.qty:
            self.inferred_fills[(self._label(order.source),)] += 1
        place = (key.account, key.symbol)
        left = self.inferred_qty[place] + inferred.qty - booking.inferred.qty
        self.inferred_qty[place] = left if left > DUST_QTY else 0.0
        booking.inferred = inferred


def _sign(order: BotOrder) -> int:
    return 1 if order.side == "buy" else -1
