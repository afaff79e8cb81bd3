"""The messages that are encoded ahead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.frames import ColumnFrames, MadeUpMarket, SingleFrames
from loadtest.options import MAX_BATCH_TRADES
from telemetry_schema import MAX_FRAME_BYTES, Trade, TradeColumns, decode_edge

NOW_NS = 1_790_000_000_000_000_007


@given(st.integers(0, 10**12 - 20), st.integers(1, 20))
def test_every_single_message_is_valid_and_has_its_own_number_and_time(first_seq: int, count: int) -> None:
    due = NOW_NS + np.arange(count) * 13
    frames = SingleFrames("loadtest-0", "abc", MadeUpMarket.made_up(7, seed=1)).encode(first_seq, due)
    trades = [decode_edge(frame) for frame in frames]
    assert all(isinstance(trade, Trade) for trade in trades)
    assert [trade.seq for trade in trades if isinstance(trade, Trade)] == list(range(first_seq, first_seq + count))
    assert [trade.sent_ns for trade in trades if isinstance(trade, Trade)] == due.tolist()
    assert [trade.event_ns for trade in trades if isinstance(trade, Trade)] == due.tolist()


def test_the_numbers_of_a_run_start_at_zero_without_leading_zeros() -> None:
    (frame,) = SingleFrames("loadtest-0", "abc", MadeUpMarket.made_up(1, seed=1)).encode(0, np.array([NOW_NS]))
    message = decode_edge(frame)
    assert isinstance(message, Trade)
    assert message.seq == 0


@pytest.mark.parametrize("batch", [1, 3, 256, MAX_BATCH_TRADES])
def test_a_columnar_message_is_valid_and_counts_its_trades(batch: int) -> None:
    encoder = ColumnFrames("loadtest-0", "abc", MadeUpMarket.made_up(200, seed=1), batch)
    frames = encoder.encode(10, np.array([NOW_NS, NOW_NS + 5]))
    first, second = (decode_edge(frame) for frame in frames)
    assert isinstance(first, TradeColumns)
    assert isinstance(second, TradeColumns)
    assert [first.seq, second.seq] == [10, 10 + batch]
    assert len(second.symbol) == batch
    assert set(second.event_ns) == {second.sent_ns} == {NOW_NS + 5}
    assert max(len(frame) for frame in frames) <= MAX_FRAME_BYTES


@pytest.mark.parametrize("symbols", [1, 10, 200, 1_500])
def test_all_symbols_are_dealt_out_evenly(symbols: int) -> None:
    market = MadeUpMarket.made_up(symbols, seed=1)
    counts = [market.symbols.count(symbol) for symbol in set(market.symbols)]
    assert len(counts) == symbols
    assert max(counts) - min(counts) <= 1
