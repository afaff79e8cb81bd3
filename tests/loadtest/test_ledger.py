"""The ledger, from the services' metrics."""

from dataclasses import replace

import pytest

from loadtest.ledger import LoadLedger, read
from loadtest.scrape import Scrape, Scrapes

INGEST = """
# TYPE telemetry_source_trades_total counter
telemetry_source_trades_total{source="loadtest-0"} 90
telemetry_source_trades_total{source="somebody-else"} 7
# TYPE telemetry_source_lost_total counter
telemetry_source_lost_total{source="loadtest-0"} 4
# TYPE telemetry_source_duplicate_total counter
telemetry_source_duplicate_total{source="loadtest-0"} 3
# TYPE telemetry_refused_trades_total counter
telemetry_refused_trades_total 3
"""
ANALYTICS = """
# TYPE trading_trades_total counter
trading_trades_total{symbol="LOAD-0000",side="buy"} 50
trading_trades_total{symbol="LOAD-0001",side="sell"} 40
trading_trades_total{symbol="other",side="sell"} 5
trading_trades_total{symbol="BTC-USD",side="buy"} 7
"""


def ledger_of(ingest: str = INGEST, analytics: str = ANALYTICS, *, sent: int = 100) -> LoadLedger:
    change = Scrapes(Scrape.parse(ingest), Scrape.parse(analytics))
    return read(change, sent=sent, sources={"loadtest-0"}, symbols=2)


def test_every_trade_is_in_one_account_and_others_do_not_disturb() -> None:
    assert ledger_of() == LoadLedger(sent=100, accepted=90, applied=90, refused=3, duplicate=3, lost=4)
    assert ledger_of().balances


def test_a_loss_is_not_good_even_if_the_ledger_balances() -> None:
    assert not ledger_of().good
    assert replace(ledger_of(), lost=0, applied=94).good


@pytest.mark.parametrize(("sent", "unexplained"), [(101, 1), (99, -1)])
def test_a_trade_in_no_account_or_in_two_does_not_balance(sent: int, unexplained: int) -> None:
    assert ledger_of(sent=sent).unexplained == unexplained
    assert not ledger_of(sent=sent).balances


def test_trades_lost_between_ingest_and_analytics_count_as_lost() -> None:
    lost = "# TYPE telemetry_stream_lost_trades_total counter\ntelemetry_stream_lost_trades_total 6\n"
    assert ledger_of(analytics=ANALYTICS + lost).lost == 4 + 6


def test_symbols_beyond_the_label_budget_are_found_under_other() -> None:
    spent = '# TYPE telemetry_label_overflow_total counter\ntelemetry_label_overflow_total{label="symbol"} 5\n'
    assert ledger_of(analytics=ANALYTICS + spent).applied == 95


def test_a_change_is_what_was_added_and_a_restarted_counter_counts_in_full() -> None:
    before = Scrape.parse("# TYPE a counter\na_total 5\n# TYPE b counter\nb_total 5\n")
    after = Scrape.parse("# TYPE a counter\na_total 8\n# TYPE b counter\nb_total 2\n")
    assert after.since(before).total("a_total") == 3
    assert after.since(before).total("b_total") == 2
