"""What the UI receives is what the metrics say, and always fits the schema."""

from hypothesis import given
from hypothesis import strategies as st

from analytics.cooperative import run
from analytics.engine import Engine
from analytics.output.snapshots import MAX_SYMBOLS, Snapshots
from telemetry_schema import BestQuote, Quote, Snapshot, decode_ui, encode
from tests.analytics.batches import NOW, SECOND, SETTLED, T, applied, engine, results

trades = st.builds(
    T,
    qty=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    price=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    at_ns=st.integers(-4_000 * SECOND, 100 * SECOND),
    symbol=st.sampled_from("ABC"),
    wire_ns=st.integers(-(10**12), 10**12),
)


def snapshot(made: Engine, now_ns: int = NOW) -> Snapshot:
    return run(Snapshots(made, run="r", started_ns=1).steps(results(made, now_ns)))


@given(batches=st.lists(st.lists(trades, min_size=1, max_size=5), max_size=4))
def test_every_snapshot_can_be_read_by_the_ui(batches: list[list[T]]) -> None:
    taken = snapshot(applied(*batches))
    assert decode_ui(encode(taken)) == taken


def test_before_the_first_trade_there_is_a_snapshot_too() -> None:
    taken = snapshot(engine())
    assert (taken.symbols, taken.last_trades, taken.history, taken.clock_ns) == ([], [], None, NOW)


def test_plain_numbers() -> None:
    taken = snapshot(applied([T(qty=2, price=10), T(qty=1, price=40, side="sell", at_ns=-20 * SECOND)]), SETTLED)
    (summary,) = taken.symbols
    assert (summary.symbol, summary.trades, summary.last_price) == ("A", 2, 10)
    assert (summary.buy_volume, summary.sell_volume) == (2, 1)
    assert summary.windows["1m"].vwap == 20
    assert summary.windows["10s"].trades == 1
    assert summary.windows["10s"].open == 10
    assert taken.ledger.applied == 2
    assert taken.latencies["wire"].count == 2
    assert taken.skews[0].skew_ns == 1_000


def test_an_average_of_nothing_is_none() -> None:
    taken = snapshot(applied([T()]), NOW + 100 * SECOND)
    window = taken.symbols[0].windows["10s"]
    assert (window.trades, window.buy_volume, window.vwap, window.close) == (0, 0, None, None)


def test_the_tape_is_newest_first_with_names() -> None:
    taken = snapshot(applied([T(qty=1), T(qty=2, symbol="B", side="sell", source="bob")]))
    first = taken.last_trades[0]
    assert (first.symbol, first.source, first.side, first.qty, first.applied_ns) == ("B", "bob", "sell", 2, NOW)
    assert [trade.qty for trade in taken.last_trades] == [2, 1]


def test_the_newest_quote_is_beside_the_market_and_never_newer_than_it_came() -> None:
    made = applied([T(), T(symbol="B"), T(account="me")])
    for event_ns, bid in ((NOW + SECOND, 9.0), (NOW - 2 * SECOND, 8.0)):
        quote = Quote(source="f", symbol="A", bid=bid, ask=bid + 1, event_ns=event_ns, sent_ns=event_ns)
        made.orders.quote(quote, NOW)
    taken = snapshot(made)
    quotes = {one.symbol: one.quote for one in taken.symbols}
    assert quotes == {"A": BestQuote(bid=9.0, ask=10.0, event_ns=NOW), "B": None}
    assert [one.quote for one in taken.own] == [None]


def test_own_trades_are_beside_those_of_the_market() -> None:
    made = applied([T(qty=2, price=10)], [T(qty=3, price=99, account="paper"), T(symbol="B", account="other-bot")])
    taken = snapshot(made)
    assert [(one.symbol, one.trades, one.last_price) for one in taken.symbols] == [("A", 1, 10)]
    assert sorted((one.symbol, one.trades, one.last_price) for one in taken.own) == [("A", 1, 99), ("B", 1, 100)]
    assert [(trade.symbol, trade.price, trade.account) for trade in taken.last_trades] == [("A", 10, None)]
    assert [(trade.symbol, trade.account) for trade in taken.own_last_trades] == [("B", "other-bot"), ("A", "paper")]
    assert [(bars.symbol, bars.close) for bars in taken.recent_bars] == [("A", [10])]
    assert taken.symbols_in_all == 1


def test_recent_bars_are_the_last_five_seconds_and_leave_out_seconds_without_trades() -> None:
    at = [0, -4, -5, -600]
    taken = snapshot(applied([T(price=1000 + second, at_ns=second * SECOND, qty=2) for second in at]))
    (bars,) = taken.recent_bars
    assert bars.second == [NOW // SECOND - 4, NOW // SECOND]
    assert (bars.open, bars.buy_volume, bars.sell_volume) == ([996, 1000], [2, 2], [0, 0])


def test_history_is_ten_minutes_of_each_symbol_in_turn() -> None:
    made = applied([T(symbol=symbol, at_ns=second * SECOND) for symbol in "ABC" for second in (0, -599, -600)])
    snapshots = Snapshots(made, run="r", started_ns=1)
    histories = [run(snapshots.steps(results(made))).history for _ in range(3)]
    assert {history.symbol for history in histories if history} == {"A", "B", "C"}
    assert all(history.second == [NOW // SECOND - 599, NOW // SECOND] for history in histories if history)


def test_of_many_symbols_the_busiest_are_shown() -> None:
    busy = [T(symbol="S70")] * 3 + [T(symbol="S60")] * 2
    taken = snapshot(applied([T(symbol=f"S{i}") for i in range(MAX_SYMBOLS + 30)] + busy, max_symbols=600))
    assert [summary.symbol for summary in taken.symbols][:2] == ["S70", "S60"]
    assert len(taken.symbols) == len(taken.recent_bars) == MAX_SYMBOLS
    assert taken.symbols_in_all == MAX_SYMBOLS + 30
    assert taken.started_ns == 1


def test_versions_count_up() -> None:
    made = applied([T()])
    snapshots = Snapshots(made, run="r", started_ns=1)
    assert [run(snapshots.steps(results(made))).version for _ in range(3)] == [1, 2, 3]
