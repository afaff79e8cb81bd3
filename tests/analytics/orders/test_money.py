"""Books, fees, equity: golden values, and equal to a ledger of its own kept in decimals."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from analytics.orders.books import BookKey, quote_currency
from analytics.orders.marks import Marks
from analytics.orders.tracker import OrderTracker, TrackerLimits
from telemetry_schema import Holding, Quote
from tests.analytics.orders.histories import MS, T0, event, no_trade, tracker

BOOK = BookKey("acct", "s", "BTC-USD")


def fill(made: OrderTracker, number: int, signed_qty: float, price: float, **fields: object) -> None:
    side = "buy" if signed_qty > 0 else "sell"
    made.apply(
        event(
            "fill", f"o-{number}", T0 + number * MS, account="acct", strategy="s", side=side, exec_id=f"x-{number}",
            last_qty=abs(signed_qty), last_price=price, **fields,
        ),
        T0,
    )  # fmt: skip


def quoted(made: OrderTracker, mid: float, at_ns: int = T0) -> None:
    made.quote(
        Quote(type="quote", source="feed", symbol="BTC-USD", bid=mid - 1, ask=mid + 1, event_ns=at_ns, sent_ns=at_ns),
        at_ns,
    )


@pytest.mark.parametrize(
    ("fills", "average", "realised"),
    [
        ([(10, 10), (5, 11), (20, 14), (3, 9)], [10, 10.333333, 12.428571, 12.157895], [0, 0, 0, 0]),
        ([(2, 10), (-1, 11), (1, 12), (-2, 13)], [10, 10, 11, 0], [0, 1, 1, 5]),
        ([(2, 10), (-5, 12), (3, 11)], [10, 12, 0], [0, 4, 7]),
        (
            [(20, 5), (30, 4), (-15, 3), (50, 10), (-18, 7)],
            [5, 4.4, 4.4, 7.694118, 7.694118],
            [0, 0, -21, -21, -33.494118],
        ),
    ],
    ids=["average cost", "sequence", "turn round", "a documented case of lots, at average cost"],
)  # fmt: skip
def test_golden_values_of_average_cost(
    fills: list[tuple[float, float]], average: list[float], realised: list[float]
) -> None:
    held = Holding()
    seen = []
    for qty, price in fills:
        held.fill(qty, price)
        seen.append((held.average_price, held.realised))
    assert [pair[0] for pair in seen] == pytest.approx(average, abs=1e-6)
    assert [pair[1] for pair in seen] == pytest.approx(realised, abs=1e-6)


@pytest.mark.parametrize("seed", range(50))
def test_realised_and_unrealised_are_cash_and_position_at_the_mark_and_equal_a_ledger_in_decimals(seed: int) -> None:
    random, made = Random(seed), tracker()  # noqa: S311 - no secret
    cash, position, fees = Decimal(0), Decimal(0), Decimal(0)
    for number in range(200):
        qty, price = random.choice([-1, 1]) * random.randint(1, 500) / 100, random.randint(900, 1_100) / 10
        fee = random.randint(-5, 20) / 1000
        fill(made, number, qty, price, fee=fee, fee_currency="USD")
        cash -= Decimal(str(qty)) * Decimal(str(price))
        position, fees = position + Decimal(str(qty)), fees + Decimal(str(fee))
    mark = random.randint(900, 1_100) / 10
    quoted(made, mark)
    (valued,) = made.books.value(made.marks, T0)
    book = valued.book
    assert valued.unrealised is not None
    total = book.holding.realised + valued.unrealised
    assert total == pytest.approx(book.cash + book.holding.qty * mark, abs=1e-9 * 100_000)
    assert total == pytest.approx(float(cash + position * Decimal(str(mark))), abs=1e-6)
    assert book.holding.qty == pytest.approx(float(position), abs=1e-9)
    assert book.fees["USD"] == pytest.approx(float(fees), abs=1e-9)
    ((account, currency, equity),) = made.books.equity()
    assert (account, currency) == ("acct", "USD")
    assert equity.value == pytest.approx(total - float(fees), abs=1e-6)


def test_without_a_mark_there_is_no_value_and_no_equity() -> None:
    made = tracker()
    fill(made, 1, 2, 100)
    (valued,) = made.books.value(made.marks, T0)
    assert (valued.mark, valued.unrealised) == (None, None)
    assert list(made.books.equity()) == []


def test_drawdown_is_measured_from_the_highest_equity_and_goes_back_when_it_recovers() -> None:
    made = tracker()
    fill(made, 1, 1, 100)
    seen = []
    for number, mid in enumerate([100, 130, 90, 120, 140]):
        quoted(made, mid, T0 + number)
        made.books.value(made.marks, T0)
        ((_, _, equity),) = made.books.equity()
        seen.append((equity.value, equity.drawdown, equity.deepest))
    assert seen == [(0, 0, 0), (30, 0, 0), (-10, 40, 40), (20, 10, 40), (40, 0, 40)]


def test_a_bust_takes_position_cash_and_fee_back() -> None:
    made = tracker()
    fill(made, 1, 2, 100, fee=0.5, fee_currency="USD")
    made.apply(event("bust", "o-1", T0 + 5, account="acct", strategy="s", ref_exec_id="x-1"), T0)
    book = made.books.get(BOOK)
    assert book is not None
    assert (book.holding.qty, book.cash, book.fees["USD"], book.holding.realised) == (0, 0, 0, 0)


def test_an_inferred_fill_is_in_the_position_and_is_taken_back_when_the_fill_comes() -> None:
    made = tracker()
    who = {"account": "acct", "strategy": "s"}
    made.apply(event("submit", at_ns=T0, qty=3.0, price=101.0, **who), T0)
    made.apply(event("status", at_ns=T0 + 1, cum_qty=3.0, avg_price=100.0, **who), T0)
    book = made.books.get(BOOK)
    assert book is not None
    assert (book.holding.qty, book.holding.average_price) == (3.0, 100.0)
    made.apply(event("fill", at_ns=T0 + 2, exec_id="x-1", last_qty=3.0, last_price=100.0, **who), T0)
    assert (book.holding.qty, book.cash) == (3.0, -300.0)
    assert made.quality.own_fills == {("acct", "s", "BTC-USD", "buy", ""): 1}
    assert made.bookkeeper.inferred_fills == {("bot",): 1}


def test_books_beyond_the_budget_share_one_for_each_currency() -> None:
    made = tracker(max_books=2)
    for number, strategy in enumerate("abcd"):
        made.apply(event("fill", f"o-{number}", account="acct", strategy=strategy, exec_id=f"x-{number}"), T0)
    assert sorted(key.strategy for key in made.books) == ["a", "b", "other"]
    other = made.books.get(BookKey("other", "other", "other-USD"))
    assert other is not None
    assert other.holding.qty == 2.0
    assert made.books.overflows > 0


@pytest.mark.parametrize(
    ("symbol", "currency"),
    [
        ("BTC-USD", "USD"),
        ("BTC/USDT:USDT", "USDT"),
        ("BTCUSDT", "USDT"),
        ("xyz:TSLA", "TSLA"),
        ("@107", ""),
        ("USD", ""),
    ],
)
def test_the_currency_of_prices_is_the_tail_of_the_symbol(symbol: str, currency: str) -> None:
    assert quote_currency(symbol) == currency


def test_a_late_strategy_moves_the_fills_to_its_book_and_counts_them_once() -> None:
    made = tracker()
    made.apply(event("fill", at_ns=T0 + 1, account="acct", exec_id="x-1"), T0)
    made.apply(event("submit", at_ns=T0, account="acct", strategy="s"), T0)
    without, with_it = made.books.get(BookKey("acct", "", "BTC-USD")), made.books.get(BOOK)
    assert without is not None
    assert with_it is not None
    assert (without.holding.qty, with_it.holding.qty) == (0.0, 1.0)
    assert sum(made.quality.own_fills.values()) == 1


def test_the_second_source_of_an_account_is_compared_and_not_counted() -> None:
    made = tracker()
    fill(made, 1, 1, 100)
    made.apply(event("fill", "o-1", account="acct", strategy="s", source="dropcopy", exec_id="x-1"), T0)
    book = made.books.get(BOOK)
    assert book is not None
    assert book.holding.qty == 1.0
    assert made.outcomes["dropcopy", "second_source"] == 1


def test_a_named_source_is_the_authority_however_late_it_comes_and_the_others_fills_are_compared() -> None:
    made = OrderTracker(Marks(no_trade), limits=TrackerLimits(), authorities={"acct": "dropcopy"})
    told: dict[str, Any] = {"account": "acct", "strategy": "s"}
    made.apply(event("fill", source="bot", exec_id="x-1", last_qty=1.0, **told), T0)
    assert made.quality.own_fills == {}
    for number, qty in enumerate([1.0, 2.0], 1):
        made.apply(event("fill", source="dropcopy", exec_id=f"x-{number}", last_qty=qty, **told), T0)
    made.apply(event("fill", source="bot", exec_id="x-2", last_qty=2.0, **told), T0)
    made.apply(event("fill", source="bot", exec_id="x-2", last_qty=3.0, **told), T0)
    book = made.books.get(BookKey("acct", "s", "BTC-USD"))
    assert book is not None
    assert book.holding.qty == 3.0
    assert dict(made.authorities.second_fills) == {("bot", "first"): 1, ("bot", "matched"): 1, ("bot", "different"): 1}


def test_a_fee_in_the_base_currency_costs_its_price_in_the_fill() -> None:
    made = tracker()
    fill(made, 1, 2, 100, fee=0.002, fee_currency="BTC")
    quoted(made, 100.0)
    made.books.value(made.marks, T0)
    ((_, currency, equity),) = made.books.equity()
    assert currency == "USD"
    assert equity.value == pytest.approx(-0.2)
    assert made.bookkeeper.fees_paid == {("acct", "s", "BTC"): 0.002}
    assert made.books.unpriced_fees == {}


def test_a_rebate_in_a_third_currency_is_worth_its_mark_of_then_and_goes_with_a_bust() -> None:
    made = tracker()
    made.marks.quote("BNB-USD", 599.0, 601.0, T0, T0)
    fill(made, 1, 2, 100, fee=-0.01, fee_currency="BNB")
    made.marks.quote("BNB-USD", 899.0, 901.0, T0 + 1, T0)
    book = made.books.get(BOOK)
    assert book is not None
    assert book.net_fees == pytest.approx(-6.0)
    assert book.fees["BNB"] == -0.01
    made.apply(event("bust", "o-1", T0 + 5, account="acct", strategy="s", ref_exec_id="x-1"), T0)
    assert book.net_fees == pytest.approx(0.0)
    assert book.fees["BNB"] == 0


def test_a_fee_whose_currency_nobody_quotes_is_in_no_profit_and_is_told() -> None:
    made = tracker()
    fill(made, 1, 2, 100, fee=3.0, fee_currency="XYZ")
    book = made.books.get(BOOK)
    assert book is not None
    assert book.net_fees == 0
    assert made.books.unpriced_fees == {"XYZ": 3.0}


def test_a_fee_without_a_price_when_it_was_paid_stays_out_of_profit_when_its_fill_moves_to_another_book() -> None:
    made = tracker()
    told: dict[str, Any] = {"account": "acct", "side": "buy", "last_qty": 2.0, "last_price": 100.0}
    made.apply(event("fill", "o-1", T0, exec_id="x-1", fee=0.01, fee_currency="BNB", **told), T0)
    made.marks.quote("BNB-USD", 599.0, 601.0, T0, T0)
    made.apply(event("submit", "o-1", T0 - MS, account="acct", strategy="s"), T0)
    book = made.books.get(BOOK)
    assert book is not None
    assert (book.fees["BNB"], book.net_fees) == (0.01, 0.0)
    assert made.books.unpriced_fees == {"BNB": 0.01}


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [("BTCUSDT", "BNBUSDT"), ("BTC/USDT", "BNB/USDT"), ("BTC/USDT:USDT", "BNB/USDT"), ("BTC_USDT", "BNB-USDT")],
)
def test_the_pair_that_prices_a_fee_is_spelled_as_the_symbol_or_plainly(symbol: str, pair: str) -> None:
    made = tracker()
    made.marks.quote(pair, 599.0, 601.0, T0, T0)
    assert made.books.fee_price("BNB", symbol, 100.0, made.marks) == 600.0
    assert made.books.fee_price("BTC", symbol, 100.0, made.marks) == 100.0
    assert made.books.fee_price("ETH", symbol, 100.0, made.marks) is None
