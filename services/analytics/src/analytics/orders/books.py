"""Money: one book for each account, strategy and symbol; equity and drawdown for each account and currency.

A book's position follows the executions that stand, the inferred ones among them: what is taken back is filled the
other way round at its own price. So realised + unrealised = cash + position × mark, whatever came in which order. How
that sum is split between realised and unrealised depends on the order of arrival, as average cost always does.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from msgspec import convert

from analytics.checkpoint.parts import State
from analytics.orders.executions import Execution
from analytics.orders.marks import Marks
from telemetry_schema import Holding

OTHER: Final = "other"
"""The label of all that are beyond a limit."""
MAX_ACCOUNTS: Final = 1_000
"""Accounts whose equity is followed."""
MAX_OTHERS: Final = 20
"""Books of `other`, one for each quote currency: whoever makes names up makes currencies up, too."""
MAX_FEE_CURRENCIES: Final = 20
"""Of one book; fees in those beyond are summed as `other`."""

_SEPARATORS: Final = "-/_:"
_TAILS: Final = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH")


class BookKey(NamedTuple):
    """What a book is kept for; a bot without a strategy has an empty one."""

    account: str
    strategy: str
    symbol: str


_NO_BOOK: Final = BookKey(OTHER, OTHER, OTHER)
"""Of all that has no other book."""


def quote_currency(symbol: str) -> str:
    """The currency of a symbol's prices: what follows its last separator, else a known ending, else nothing."""
    for place in range(len(symbol) - 1, 0, -1):
        if symbol[place] in _SEPARATORS:
            return symbol[place + 1 :] or symbol
    return next((tail for tail in _TAILS if symbol.endswith(tail) and symbol != tail), "")


def _split(symbol: str) -> tuple[str, str, str]:
    """Base, separator, and the rest; of BTCUSDT the separator is nothing."""
    for place in range(1, len(symbol)):
        if symbol[place] in _SEPARATORS:
            return symbol[:place], symbol[place], symbol[place + 1 :]
    quote = quote_currency(symbol)
    return symbol.removesuffix(quote), "", quote


@dataclass(slots=True)
class ProfitBook:
    """Position, profit and fees of one book. Fees are by currency, positive is paid; rebates are apart."""

    currency: str
    holding: Holding = field(default_factory=Holding)
    cash: float = 0.0
    """What was received less what was paid for the position, without fees, in quote currency."""
    fees: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Paid less rebates that stand, by currency."""
    converted_fees: float = 0.0
    """Fees in other currencies, less rebates, at the prices of when they were paid, in quote currency."""

    @property
    def net_fees(self) -> float:
        """All fees less rebates that have a price, in quote currency."""
        return self.fees.get(self.currency, 0.0) + self.converted_fees

    def fill(self, sign: int, execution: Execution) -> None:
        """Adds an execution; `sign` is +1 for a buy, −1 for a sell."""
        self.holding.fill(sign * execution.qty, execution.price)
        self.cash -= sign * execution.cost
        if execution.fee:
            self.fees[self.fee_label(execution.fee_currency)] += execution.fee

    def unfill(self, sign: int, execution: Execution) -> None:
        """Takes an execution back."""
        self.holding.fill(-sign * execution.qty, execution.price)
        self.cash += sign * execution.cost
        if execution.fee:
            self.fees[self.fee_label(execution.fee_currency)] -= execution.fee

    def fee_label(self, currency: str) -> str:
        """The currency under which a fee is counted: itself, or `other`."""
        is_known = currency == self.currency or currency in self.fees
        return currency if is_known or len(self.fees) < MAX_FEE_CURRENCIES else OTHER


@dataclass(slots=True)
class Equity:
    """Realised + unrealised − fees of an account in one currency, and how far it is below its highest."""

    value: float = 0.0
    highest: float = 0.0
    deepest: float = 0.0

    @property
    def drawdown(self) -> float:
        """How far it is below its highest, at least 0."""
        return self.highest - self.value

    def see(self, value: float) -> None:
        """Takes the value of this moment."""
        self.value = value
        self.highest = max(self.highest, value)
        self.deepest = max(self.deepest, self.drawdown)


class Valued(NamedTuple):
    """A book with its mark: `unrealised` is None where there is no mark."""

    key: BookKey
    book: ProfitBook
    mark: float | None
    mark_age_ns: int | None
    unrealised: float | None


class Books:
    """All books, at most `max_books`; those beyond share one by the name of `other` in each label."""

    def __init__(self, *, max_books: int) -> None:
        self._max_books = max_books
        self._books: dict[BookKey, ProfitBook] = {}
        self._others = 0
        """Books of `other`."""
        self._equity: dict[tuple[str, str], Equity] = {}
        self.overflows = 0
        self.unpriced_fees: dict[str, float] = defaultdict(float)

    def __len__(self) -> int:
        return len(self._books)

    def label(self, key: BookKey) -> BookKey:
        """The key under which this one is kept: itself, or `other`."""
        if key in self._books:
            return key
        if len(self._books) < self._max_books:
            self._books[key] = ProfitBook(quote_currency(key.symbol))
            return key
        self.overflows += 1
        # Different symbols cannot share a position: those beyond the budget share one for each quote currency.
        other = self._other(key.symbol)
        if other not in self._books:
            self._books[other] = ProfitBook(quote_currency(other.symbol))
            self._others += 1
        return other

    def _other(self, symbol: str) -> BookKey:
        """The book that a symbol beyond the budget shares."""
        key = BookKey(OTHER, OTHER, f"{OTHER}-{quote_currency(symbol)}")
        return key if key in self._books or self._others < MAX_OTHERS else _NO_BOOK

    def known(self, names: tuple[str, str, str]) -> BookKey:
        """The key under which this one is kept, as `label`, but without making a book of it."""
        key = BookKey(*names)
        found = key if key in self._books else self._other(key.symbol)
        return found if found in self._books else _NO_BOOK

    def fee_price(self, fee_currency: str, symbol: str, fill_price: float, marks: Marks) -> float | None:
        """What a unit of a fee's currency is worth in the symbol's quote currency now; None where nobody knows."""
        base, separator, _ = _split(symbol)
        if fee_currency == base:
            return fill_price
        pairs = (
            f"{fee_currency}{between}{quote_currency(symbol)}" for between in dict.fromkeys((separator, "-", "/", ""))
        )
        return next((mark.price for pair in pairs if (mark := marks.newest(pair)) is not None), None)

    def currency(self, key: BookKey) -> str:
        """The quote currency of a key's book."""
        return quote_currency(key.symbol)

    def __iter__(self) -> Iterator[BookKey]:
        return iter(self._books)

    def get(self, key: BookKey) -> ProfitBook | None:
        """The book, if there is one."""
        return self._books.get(key)

    def open(self, key: BookKey) -> ProfitBook:
        """The book of a key, made if there is room."""
        return self._books[self.label(key)]

    def value(self, marks: Marks, now_ns: int) -> list[Valued]:
        """All books at their marks; equity and drawdown are brought up to this moment."""
        valued = [self._valued(key, book, marks, now_ns) for key, book in self._books.items()]
        sums: dict[tuple[str, str], float | None] = {}
        for each in valued:
            account = (each.key.account, each.book.currency)
            worth = self._worth(each)
            known = sums.get(account, 0.0)
            # An account with a position that has no mark has no value now: half a sum would be a false drawdown.
            sums[account] = None if worth is None or known is None else known + worth
        for account, total in sums.items():
            if total is not None and (account in self._equity or len(self._equity) < MAX_ACCOUNTS):
                self._equity.setdefault(account, Equity()).see(total)
        return valued

    def equity(self) -> Iterator[tuple[str, str, Equity]]:
        """Account, currency and equity of each account."""
        for (account, currency), equity in self._equity.items():
            yield account, currency, equity

    def state(self) -> State:
        """All books."""
        return {
            "books": list(self._books.items()),
            "equity": list(self._equity.items()),
            "overflows": self.overflows,
            "unpriced_fees": dict(self.unpriced_fees),
        }

    def restore(self, state: State) -> None:
        """Takes them over; those that are there already stay, even if fewer may be made now."""
        for key, saved in state["books"]:
            book = self._books[BookKey(*key)] = convert(saved, ProfitBook)
            book.fees = defaultdict(float, book.fees)
        self._others = sum(key.account == OTHER for key in self._books)
        for (account, currency), equity in state["equity"]:
            self._equity[account, currency] = convert(equity, Equity)
        self.overflows = state["overflows"]
        self.unpriced_fees.update(state["unpriced_fees"])

    def _valued(self, key: BookKey, book: ProfitBook, marks: Marks, now_ns: int) -> Valued:
        mark = marks.newest(key.symbol) if book.holding.qty else None
        if mark is None:
            return Valued(key, book, None, None, None if book.holding.qty else 0.0)
        return Valued(key, book, mark.price, now_ns - mark.at_ns, book.holding.unrealised(mark.price))

    @staticmethod
    def _worth(each: Valued) -> float | None:
        if each.unrealised is None:
            return None
        return each.book.holding.realised + each.unrealised - each.book.net_fees
