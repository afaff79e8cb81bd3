"""Accounts travel with the trades, whichever way they are decoded; trades without one carry nothing more."""

import json
from typing import Any

import pytest

from ingest.checking.checker import Checker
from ingest.checking.chunks import Chunk
from ingest.checking.client_burst import MIN_TABLE_MESSAGES
from ingest.checking.sequences import SequenceTracker
from ingest.desk.last_prices import LastPrices
from telemetry_runtime.channels import Burst

NOW = 1_700_000_000_000_000_000


def frame(**fields: Any) -> bytes:  # noqa: ANN401 - tests put in what they like
    trade = {"type": "trade", "source": "bot", "symbol": "A", "side": "buy", "qty": 1, "price": 10}
    return json.dumps(trade | {"event_ns": NOW, "sent_ns": NOW} | fields).encode()


def chunk(frames: list[bytes]) -> Chunk:
    checker = Checker(SequenceTracker(max_runs=9, max_sources=9), max_ahead_ns=0)
    (made,) = checker.check(Burst(frames, []), NOW).chunks
    return made


WAYS = pytest.mark.parametrize("repeat", [1, MIN_TABLE_MESSAGES], ids=["one by one", "as a table"])


@WAYS
def test_each_trade_has_the_account_and_id_it_was_sent_with(repeat: int) -> None:
    sent = [(None, "t0"), ("paper", "t1"), ("fund", None), ("paper", "t3")] * repeat
    made = chunk([frame(account=account, id=name) if account else frame(id=name) for account, name in sent])
    accounts = [None, *made.accounts]
    assert [accounts[index] for index in made.records["account"]] == [account for account, _ in sent]
    assert dict(made.ids) == {i: name for i, (account, name) in enumerate(sent) if account and name}


@WAYS
def test_trades_without_an_account_carry_nothing_more(repeat: int) -> None:
    made = chunk([frame(id=f"t{i}") for i in range(repeat)])
    assert (list(made.accounts), list(made.ids), made.records["account"].tolist()) == ([], [], [0] * repeat)


@pytest.mark.parametrize("account", [None, "fund"])
def test_the_account_of_columns_is_that_of_each_of_their_trades(account: str | None) -> None:
    columns = {"symbol": ["A", "A"], "side": ["buy", "sell"], "qty": [1, 1], "price": [1, 1], "event_ns": [NOW, NOW]}
    head = {"type": "trades", "source": "bot", "sent_ns": NOW, "account": account}
    made = chunk([frame(account="paper"), json.dumps(head | columns).encode()])
    accounts = [None, *made.accounts]
    assert [accounts[index] for index in made.records["account"]] == ["paper", account, account]


def test_a_trade_of_our_own_is_no_price_that_orders_fill_at() -> None:
    prices = LastPrices()
    own = [frame(price=99, account="paper"), frame(symbol="B", price=5, account="paper")]
    prices.note([chunk([frame(price=10), *own])], 0)
    assert {symbol: last.price for symbol, last in prices.read().items()} == {"A": 10}
