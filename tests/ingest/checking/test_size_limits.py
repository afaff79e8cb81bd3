"""One absurd trade is refused alone, whichever way it comes, and costs the others nothing."""

import pytest

from ingest.checking.checker import Checker
from ingest.checking.client_burst import MIN_TABLE_MESSAGES
from ingest.checking.sequences import SequenceTracker
from ingest.checking.size_limits import SizeLimits
from ingest.feeds.base import FeedBurst, FeedTrade
from telemetry_runtime.fakes import burst_of
from tests.helpers.trades import NOW_NS, columns, frame, trade

ABSURD = {
    "price": {"price": 1e300},
    "price below": {"price": -1e13},
    "qty": {"qty": 5e17},
    "notional": {"price": 1e9, "qty": 1e9},
}


@pytest.fixture
def checker() -> Checker:
    return Checker(SequenceTracker(max_runs=100, max_sources=10), max_ahead_ns=5_000_000_000)


@pytest.mark.parametrize("good", [0, 1, 2 * MIN_TABLE_MESSAGES])
@pytest.mark.parametrize("what", ABSURD)
def test_an_absurd_trade_is_refused_and_the_others_are_not(checker: Checker, what: str, good: int) -> None:
    absurd = frame(trade(run="r", seq=good, **ABSURD[what]))
    others = [frame(trade(run="r", seq=seq)) for seq in range(good)]
    checked = checker.check(burst_of(*others, absurd), NOW_NS)
    assert (checked.tally.accepted, checked.tally.refused) == (good, 1)
    assert [refusal.reason for refusal in checked.refusals] == ["out_of_range"]
    assert "INGEST_MAX_" in checked.refusals[0].detail


@pytest.mark.parametrize("what", ABSURD)
def test_an_absurd_trade_in_columns_is_named_by_its_place(checker: Checker, what: str) -> None:
    fields = columns(3)
    for name, value in ABSURD[what].items():
        fields[name] = [fields[name][0], value, fields[name][2]]
    checked = checker.check(burst_of(frame(fields)), NOW_NS)
    assert [(refusal.reason, refusal.trades) for refusal in checked.refusals] == [("out_of_range", 3)]
    assert checked.refusals[0].detail.startswith("trade 1: ")


def test_a_large_price_and_a_large_qty_of_two_trades_are_no_notional(checker: Checker) -> None:
    fields = columns(2, price=[1e11, 1e-9], qty=[1e-9, 1e14])
    assert checker.check(burst_of(frame(fields)), NOW_NS).tally.accepted == 1


@pytest.mark.parametrize("what", ABSURD)
def test_a_frame_of_a_feed_with_an_absurd_trade_is_refused(checker: Checker, what: str) -> None:
    absurd = FeedTrade(
        source="venue",
        symbol="BTC",
        side="buy",
        qty=ABSURD[what].get("qty", 1.0),
        price=ABSURD[what].get("price", 1.0),
        event_ns=NOW_NS,
        sent_ns=NOW_NS,
        received_ns=NOW_NS,
    )
    checked = checker.check_feed(FeedBurst(trades=[absurd]), NOW_NS, "venue")
    assert [refusal.reason for refusal in checked.refusals] == ["out_of_range"]


def test_the_limits_are_settings() -> None:
    sizes = SizeLimits(max_price_abs=10, max_qty=10, max_notional=50)
    assert [sizes.fault(price, qty) is None for price, qty in [(10, 5), (-10, 5), (10, 6), (11, 1), (1, 11)]] == [
        True, True, False, False, False,
    ]  # fmt: skip
