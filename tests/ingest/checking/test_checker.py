"""Every message has one outcome, whatever it is."""

import json
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.checker import Checker
from ingest.checking.client_burst import MAX_SENT_AGE_NS, MIN_TABLE_MESSAGES
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import SequenceTracker
from ingest.feeds.base import FeedBurst, FeedRefusal, FeedTrade
from telemetry_runtime import Burst
from telemetry_runtime.fakes import burst_of
from telemetry_schema import MAX_FRAME_BYTES, Reason, TradeCommand, encode
from telemetry_schema.batch import BUY, MAX_BATCH_TRADES, SELL, TRADE_DTYPE
from tests.helpers.hostile import HOSTILE
from tests.helpers.trades import NOW_NS, columns, frame, trade

AHEAD_NS = 5_000_000_000


@pytest.fixture
def sequences() -> SequenceTracker:
    return SequenceTracker(max_runs=100, max_sources=10)


@pytest.fixture
def checker(sequences: SequenceTracker) -> Checker:
    return Checker(sequences, max_ahead_ns=AHEAD_NS)


def _message(frames: list[bytes]) -> bytes | list[bytes]:
    return frames if len(frames) > 1 else frames[0]


def _outcomes(checked: Checked) -> tuple[int, int, int, int]:
    tally = checked.tally
    return tally.accepted, tally.refused, tally.duplicate, tally.ignored


def test_a_trade_becomes_a_record_with_its_times_and_side(checker: Checker) -> None:
    checked = checker.check(burst_of(frame(trade(side="sell", event_ns=NOW_NS - 5, sent_ns=NOW_NS - 3))), NOW_NS)
    (chunk,) = checked.chunks
    (record,) = chunk.records
    assert (chunk.symbols, chunk.sources) == (["BTC-USD"], ["bot"])
    assert record["event_ns"] == NOW_NS - 5
    assert record["sent_ns"] == NOW_NS - 3
    assert record["received_ns"] == NOW_NS
    assert (record["price"], record["qty"], record["side"]) == (61000.0, 0.5, SELL)
    assert _outcomes(checked) == (1, 0, 0, 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_has_one_reason_and_does_not_stop_the_next_good_one(checker: Checker, name: str) -> None:
    frames, reason = HOSTILE[name]
    checked = checker.check(burst_of(_message(frames), frame(trade())), NOW_NS)
    assert [refusal.reason for refusal in checked.refusals] == [reason]
    assert checked.refusals[0].detail
    assert checked.refusals[0].frame == b"".join(frames)
    assert _outcomes(checked) == (1, 1, 0, 0)
    assert len(checked.chunks[0].records) == 1


def test_order_of_arrival_is_kept_between_single_trades_and_columns(checker: Checker) -> None:
    burst = burst_of(
        frame(trade(symbol="A", price=1.0)),
        frame(columns(2, symbol=["B", "A"], price=[2.0, 3.0], side=["sell", "buy"])),
        frame(trade(symbol="C", price=4.0)),
    )
    (chunk,) = checker.check(burst, NOW_NS).chunks
    assert chunk.records.dtype == TRADE_DTYPE
    assert chunk.records["price"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert [chunk.symbols[index] for index in chunk.records["symbol"]] == ["A", "B", "A", "C"]
    assert chunk.records["side"].tolist() == [BUY, SELL, BUY, BUY]


def test_a_repeated_number_is_a_duplicate_and_a_jump_is_a_loss_until_it_comes_late(
    checker: Checker, sequences: SequenceTracker
) -> None:
    burst = burst_of(*(frame(trade(run="r", seq=seq)) for seq in (0, 1, 1, 5, 2)))
    checked = checker.check(burst, NOW_NS)
    assert _outcomes(checked) == (4, 0, 1, 0)
    counts = sequences.sources["bot"]
    assert (counts.accepted, counts.lost, counts.duplicate, counts.unsequenced) == (4, 2, 1, 0)


def test_columns_that_overlap_what_came_are_cut_and_old_ones_are_duplicates(checker: Checker) -> None:
    checker.check(burst_of(frame(columns(4, run="r", seq=0))), NOW_NS)
    overlapping = checker.check(burst_of(frame(columns(4, run="r", seq=2, price=[1.0, 2.0, 3.0, 4.0]))), NOW_NS)
    assert overlapping.chunks[0].records["price"].tolist() == [3.0, 4.0]
    old = checker.check(burst_of(frame(columns(4, run="r", seq=0))), NOW_NS)
    assert _outcomes(old) == (0, 0, 1, 0)
    assert old.chunks == []


@pytest.mark.parametrize(
    "bad",
    [
        frame(trade(run="r", seq=1, qty=-1.0)),
        frame(trade(run="r", seq=1, event_ns=NOW_NS + 2 * AHEAD_NS)),
        frame(trade(run="r", seq=1, note="x")),
    ],
)
def test_a_refused_trade_whose_number_can_be_read_is_not_lost_as_well(
    checker: Checker, sequences: SequenceTracker, bad: bytes
) -> None:
    checker.check(burst_of(frame(trade(run="r", seq=0)), bad, frame(trade(run="r", seq=2))), NOW_NS)
    assert sequences.sources["bot"].lost == 0


def test_a_trade_with_a_repeated_key_counts_with_its_last_value(checker: Checker) -> None:
    single = frame(trade()).replace(b'"qty"', b'"qty":-1,"qty"')
    several = frame(columns(2)).replace(b'"price"', b'"price":[],"price"')
    checked = checker.check(burst_of(single, several), NOW_NS)
    assert _outcomes(checked) == (2, 0, 0, 0)
    assert checked.chunks[0].records["qty"].tolist() == [0.5, 0.5, 0.5]


def test_commands_are_left_to_the_desk(checker: Checker) -> None:
    command = TradeCommand(command_id=UUID(int=1), source="ui", symbol="A", side="buy", qty=1, sent_ns=NOW_NS)
    checked = checker.check(burst_of(encode(command)), NOW_NS)
    assert [message.type for message in checked.commands] == ["command"]
    assert _outcomes(checked) == (0, 0, 0, 0)


def test_large_columns_are_split_into_chunks_that_a_batch_can_hold(checker: Checker) -> None:
    symbols = [f"S{number}" for number in range(8192)]
    burst = burst_of(*[frame(columns(8192, symbol=symbols, side=["buy"] * 8192))] * 9)
    chunks = checker.check(burst, NOW_NS).chunks
    assert sum(len(chunk.records) for chunk in chunks) == 9 * 8192
    assert max(len(chunk.records) for chunk in chunks) < 65_536
    for chunk in chunks:
        assert [chunk.symbols[index] for index in chunk.records["symbol"][:8192]] == symbols


def _feed_trade(seq: int | None = None, event_ns: int = NOW_NS, received_ns: int = NOW_NS) -> FeedTrade:
    return FeedTrade(
        source="venue",
        symbol="BTC",
        side="buy",
        qty=1.0,
        price=2.0,
        event_ns=event_ns,
        sent_ns=event_ns,
        received_ns=received_ns,
        run="BTC",
        seq=seq,
    )


def test_every_frame_of_a_feed_has_one_outcome(checker: Checker) -> None:
    trades = [_feed_trade(1), _feed_trade(2), _feed_trade(2), _feed_trade(3), _feed_trade(4, NOW_NS + 2 * AHEAD_NS)]
    refused = [FeedRefusal(Reason.BAD_FRAME, "no price", b"{}")]
    burst = FeedBurst(trades, ignored=4, refusals=refused, replayed=True, sizes=[2, 1, 1, 1])
    checked = checker.check_feed(burst, NOW_NS, "feed")
    assert _outcomes(checked) == (2, 2, 1, 4)
    assert checked.tally.received == 9
    assert [refusal.reason for refusal in checked.refusals] == [Reason.BAD_FRAME, Reason.FUTURE_TIME]
    assert checked.chunks[0].replayed == [0]


def test_trades_of_other_kinds_keep_their_numbers_and_stay_out_of_the_flow() -> None:
    sequences = SequenceTracker(max_runs=10, max_sources=10)
    kinds = [None, None, "NA", None, "ADL", "INSURANCE_FUND", None]
    trades = [_feed_trade(number)._replace(kind=kind) for number, kind in enumerate(kinds)]
    checked = Checker(sequences, max_ahead_ns=AHEAD_NS).check_feed(FeedBurst(trades), NOW_NS, "feed")
    assert _outcomes(checked) == (4, 0, 0, 3)
    counts = sequences.sources["venue"]
    assert (counts.accepted, counts.lost, counts.duplicate) == (4, 0, 0)
    assert sum(chunk.trades for chunk in checked.chunks) == 4


def test_a_frame_of_both_kinds_is_accepted_with_what_belongs_to_the_flow(checker: Checker) -> None:
    trades = [_feed_trade(1), _feed_trade(2)._replace(kind="ADL")]
    checked = checker.check_feed(FeedBurst(trades, sizes=[2]), NOW_NS, "feed")
    assert _outcomes(checked) == (1, 0, 0, 0)
    assert sum(chunk.trades for chunk in checked.chunks) == 1


def test_a_recording_can_be_replayed_again_and_is_not_mistaken_for_the_live_feed() -> None:
    first, second = (SequenceTracker(max_runs=10, max_sources=10) for _ in range(2))
    replayed = FeedBurst([_feed_trade(5)], replayed=True)
    live = FeedBurst([_feed_trade(90)])
    assert _outcomes(Checker(first, max_ahead_ns=AHEAD_NS).check_feed(replayed, NOW_NS, "feed")) == (1, 0, 0, 0)
    assert _outcomes(Checker(first, max_ahead_ns=AHEAD_NS).check_feed(live, NOW_NS, "feed")) == (1, 0, 0, 0)
    assert first.sources["venue"].lost == 0
    second.load(first.dump(), exact=True)
    assert _outcomes(Checker(second, max_ahead_ns=AHEAD_NS).check_feed(replayed, NOW_NS, "feed")) == (1, 0, 0, 0)


def test_a_trade_of_a_feed_may_be_ahead_of_its_own_clock_by_a_little(checker: Checker) -> None:
    burst = FeedBurst([_feed_trade(None, NOW_NS + 1_270_000_000)], replayed=True)
    assert _outcomes(checker.check_feed(burst, NOW_NS, "feed")) == (1, 0, 0, 0)


def _a_hostile_frame(name: str) -> bytes:
    return HOSTILE[name][0][0][:3000]


@given(
    st.lists(
        st.binary(max_size=60) | st.just(frame(trade())) | st.sampled_from(list(HOSTILE)).map(_a_hostile_frame),
        max_size=20,
    )
)
def test_outcomes_add_up_to_what_came(messages: list[bytes]) -> None:
    checker = Checker(SequenceTracker(max_runs=10, max_sources=10), max_ahead_ns=AHEAD_NS)
    checked = checker.check(burst_of(*messages), NOW_NS)
    assert checked.tally.received + len(checked.commands) == len(messages)
    assert len(checked.refusals) == checked.tally.refused
    records = sum(len(chunk.records) for chunk in checked.chunks)
    assert records >= checked.tally.accepted
    assert all(np.isfinite(chunk.records["price"]).all() for chunk in checked.chunks)


@pytest.mark.parametrize(
    ("message", "trades"),
    [
        (frame(trade(side="up")), 1),
        (b"nonsense", 1),
        (frame(columns(7, side=["up"] * 7)), 1),
        (frame(columns(7, side=["up"] * 7, run="r", seq=0)), 7),
        (frame(columns(7, event_ns=[NOW_NS + 2 * AHEAD_NS] * 7)), 7),
        (frame(columns(7, run="r", seq=5, event_ns=[NOW_NS + 2 * AHEAD_NS] * 7)), 3),
    ],
    ids=["a trade", "no JSON", "columns of nobody", "columns", "columns from the future", "partly seen before"],
)
def test_a_refused_message_counts_for_its_trades(checker: Checker, message: bytes, trades: int) -> None:
    checker.check(burst_of(frame(columns(9, run="r", seq=0))), NOW_NS)
    checked = checker.check(burst_of(message), NOW_NS)
    assert [refusal.trades for refusal in checked.refusals] == [trades]


class _OneByOne(Checker):
    """The checker as it would be without the fast way for whole bursts."""

    def check(self, burst: Burst, now_ns: int) -> Checked:
        whole = Checked()
        for each in burst.frames:
            # A second, harmless message of another kind keeps the burst off the fast way.
            part = super().check(burst_of(each, _COMMAND), now_ns)
            whole.chunks += part.chunks
            whole.refusals += part.refusals
            for name in ("accepted", "refused", "duplicate"):
                setattr(whole.tally, name, getattr(whole.tally, name) + getattr(part.tally, name))
        return whole


_COMMAND = encode(TradeCommand(command_id=UUID(int=1), source="ui", symbol="A", side="buy", qty=1, sent_ns=NOW_NS))
_good_trades = st.builds(trade, source=st.sampled_from(["a", "b"]), symbol=st.sampled_from(["A", "B"]))
_trades = st.builds(
    trade,
    source=st.sampled_from(["a", "b"]),
    run=st.sampled_from([None, "r", "s"]),
    seq=st.none() | st.integers(0, 4),
    symbol=st.sampled_from(["A", "B"]),
    side=st.sampled_from(["buy", "sell", "sideways"]),
    event_ns=st.sampled_from([NOW_NS, NOW_NS, NOW_NS, NOW_NS + 2 * AHEAD_NS]),
    id=st.sampled_from([None, None, "x", "{"]),
)


@pytest.mark.parametrize("seqs", [range(100, 160), [*range(30), *range(40, 70)], [*range(30), *range(30)]])
def test_a_long_burst_of_numbered_trades_finds_gaps_and_repeats(
    checker: Checker, sequences: SequenceTracker, seqs: "list[int]"
) -> None:
    for half in (seqs[:30], seqs[30:]):
        checker.check(burst_of(*(frame(trade(run="r", seq=seq)) for seq in half)), NOW_NS)
    counts = sequences.sources["bot"]
    assert counts.accepted == len(set(seqs))
    assert counts.lost == max(seqs) - min(seqs) + 1 - len(set(seqs))
    assert counts.duplicate == len(seqs) - len(set(seqs))


@given(st.lists(_trades, max_size=30) | st.lists(_good_trades, min_size=MIN_TABLE_MESSAGES, max_size=30))
def test_a_burst_judged_as_a_whole_comes_to_the_same_as_one_by_one(trades: list[dict[str, object]]) -> None:
    _judge_both_ways([frame(each) for each in trades])


def _judge_both_ways(frames: list[bytes]) -> Checked:
    fast, slow = (SequenceTracker(max_runs=10, max_sources=10) for _ in range(2))
    burst = burst_of(*frames)
    whole = Checker(fast, max_ahead_ns=AHEAD_NS).check(burst, NOW_NS)
    single = _OneByOne(slow, max_ahead_ns=AHEAD_NS).check(burst, NOW_NS)
    assert whole.tally == single.tally
    assert whole.refusals == single.refusals
    assert _rows(whole) == _rows(single)
    assert fast.sources == slow.sources
    assert fast.dump() == slow.dump()
    return whole


_HEAD = b'{"type":"trade","source":"bot","run":"r",'
_REST = b'"symbol":"A","side":"buy","qty":1,"price":2,"event_ns":%d,"sent_ns":%d}' % (NOW_NS, NOW_NS)
_LIKE_THE_REST = b'"symbol":"B","side":"sell","qty":1,"price":2,"event_ns":%d,"sent_ns":%d}' % (NOW_NS, NOW_NS)


@pytest.mark.parametrize(
    "frames",
    [
        [_HEAD + _LIKE_THE_REST],
        [_HEAD + _REST.replace(b":", b" : ") + b" "],
        [_HEAD.replace(b"bot", b"b") + _REST],
        [_HEAD.replace(b'"r"', b'"s"') + _REST],
        [_HEAD.replace(b'"r"', b"null") + _REST],
        [_HEAD + b'"source":"other",' + _REST],
        [_HEAD + b'"type":"trade",' + _REST],
        [_HEAD + b'"type":"trades",' + _REST],
        [_HEAD + b'"extra":1,' + _REST],
        [_HEAD + b"}"],
        [_HEAD],
        [_HEAD + b'"id":"x' + _REST, _HEAD + b'",' + _REST],
        [_HEAD + _REST[:-1], _HEAD + b"}"],
        [_HEAD + _REST + b"," + _HEAD + _REST, _HEAD + b""],
        [_HEAD + b'"id":"{",' + _REST],
        [_HEAD + _REST + b",{" + _REST, b"x"],
        [_HEAD + _REST + b","],
        [_HEAD + _REST + b"]"],
        [_HEAD + b'"id":"\xff",' + _REST],
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_frames_that_begin_alike_are_judged_as_they_would_be_one_by_one(frames: list[bytes], first: bool) -> None:  # noqa: FBT001
    good = [_HEAD + _REST] * MIN_TABLE_MESSAGES
    assert _judge_both_ways([*frames, *good] if first else [*good, *frames]).tally.accepted >= len(good)


@pytest.mark.parametrize("field", [b"bot", b'"r"'])
def test_a_name_that_is_too_long_is_refused_in_a_long_burst_too(field: bytes) -> None:
    for chars, accepted in ((128, MIN_TABLE_MESSAGES), (129, 0)):
        name = b"x" * chars
        head = _HEAD.replace(field, name if field == b"bot" else b'"%b"' % name)
        assert _judge_both_ways([head + _REST] * MIN_TABLE_MESSAGES).tally.accepted == accepted


def _rows(checked: Checked) -> list[tuple[object, ...]]:
    return [
        (
            chunk.symbols[row["symbol"]],
            chunk.sources[row["source"]],
            row["price"],
            row["qty"],
            row["side"],
            row["event_ns"],
        )
        for chunk in checked.chunks
        for row in chunk.records
    ]


@pytest.mark.parametrize(
    "frames",
    [
        [frame(trade(symbol="A"))[:-1], b'{"x":1}}'],
        [frame(trade()) + b"," + frame(trade()), b'{"type":"trade","id":"', b'{","id":"x",' + frame(trade())[1:]],
        [frame(trade())[:-1] + b',"id":"x', b'"}'],
        [frame(trade()) + b",", frame(trade())],
        [frame(trade()), b""],
        [b"[" + frame(trade()), frame(trade()) + b"]"],
    ],
)
def test_malformed_messages_do_not_make_up_good_ones_together(checker: Checker, frames: list[bytes]) -> None:
    frames = [*[frame(trade())] * MIN_TABLE_MESSAGES, *frames]
    good = sum(each == frame(trade()) for each in frames)
    checked = checker.check(burst_of(*frames), NOW_NS)
    assert checked.tally.accepted == good
    assert checked.tally.refused == len(frames) - good


def test_one_far_number_and_one_refused_far_number_cost_no_good_trade(
    checker: Checker, sequences: SequenceTracker
) -> None:
    numbers = [0, 1, 2, 3, 4, 900_000_000, 5, 6, 7, 8, 9]
    burst = [frame(trade(run="r", seq=seq, sent_ns=NOW_NS + at)) for at, seq in enumerate(numbers)]
    refused = [frame(trade(run="r", seq=999_999, qty=-1.0)), frame(columns(3, run="r", seq=20, symbol=["A"] * 100_000))]
    later = [frame(trade(run="r", seq=seq, sent_ns=NOW_NS + seq)) for seq in range(10, 20)]
    assert _outcomes(checker.check(burst_of(*burst), NOW_NS)) == (11, 0, 0, 0)
    assert _outcomes(checker.check(burst_of(*refused), NOW_NS)) == (0, 2, 0, 0)
    assert _outcomes(checker.check(burst_of(*later), NOW_NS)) == (10, 0, 0, 0)
    assert sequences.sources["bot"].lost == 0


@pytest.mark.parametrize("together", [True, False])
def test_two_sessions_under_one_run_lose_nothing(checker: Checker, sequences: SequenceTracker, together: bool) -> None:  # noqa: FBT001
    accepted = 0
    for session in range(2):
        frames = [
            frame(trade(run="prod", seq=seq, sent_ns=NOW_NS + 1_000 * session + seq, event_ns=NOW_NS + 1_000 * session))
            for seq in range(100)
        ]
        for burst in [frames] if together else [[each] for each in frames]:
            accepted += checker.check(burst_of(*burst), NOW_NS).tally.accepted
    assert accepted == 200
    assert sequences.sources["bot"].restarts == 1


def test_a_burst_of_any_length_of_a_feed_makes_batches_of_bounded_length(checker: Checker) -> None:
    trades = [_feed_trade(None)] * 70_000
    chunks = checker.check_feed(FeedBurst(trades, sizes=[70_000]), NOW_NS, "feed").chunks
    assert sum(chunk.trades for chunk in chunks) == 70_000
    assert max(chunk.trades for chunk in chunks) <= MAX_BATCH_TRADES


def test_a_venue_that_repeats_its_history_under_a_new_time_of_sending_is_counted_once(checker: Checker) -> None:
    for repeat in range(2):
        trades = [
            FeedTrade("venue", "BTC", "buy", 1.0, 2.0, NOW_NS + seq, NOW_NS + seq + 99 * repeat, NOW_NS, "BTC", seq)
            for seq in range(50)
        ]
        assert checker.check_feed(FeedBurst(trades), NOW_NS, "feed").tally.duplicate == 50 * repeat


@pytest.mark.parametrize(
    ("message", "source"),
    [
        (frame(trade(side="up")), "bot"),
        (frame(trade(event_ns=NOW_NS + 2 * AHEAD_NS)), "bot"),
        (frame(trade(source="a\tb")), None),
        (b"nonsense", None),
        (b'{"source":"bot","x":"' + b"x" * MAX_FRAME_BYTES + b'"}', None),
    ],
    ids=["a bad trade", "a trade from the future", "a name that is none", "no JSON", "too long"],
)
def test_a_refusal_says_who_sent_it(checker: Checker, message: bytes, source: str | None) -> None:
    (refusal,) = checker.check(burst_of(message), NOW_NS).refusals
    assert refusal.source == source


@pytest.mark.parametrize("many", [True, False])
def test_a_message_that_was_sent_more_than_a_day_ago_is_refused_with_a_hint(checker: Checker, many: bool) -> None:  # noqa: FBT001
    old = frame(trade(run="r", seq=1, sent_ns=NOW_NS - MAX_SENT_AGE_NS - 1))
    late = frame(trade(run="r", seq=2, sent_ns=NOW_NS - MAX_SENT_AGE_NS, event_ns=NOW_NS - 9 * MAX_SENT_AGE_NS))
    good = [frame(trade())] * (MIN_TABLE_MESSAGES if many else 1)
    checked = checker.check(burst_of(*good, old, late), NOW_NS)
    assert [refusal.reason for refusal in checked.refusals] == [Reason.PAST_TIME]
    assert "sent 24.0 h ago; check the sender's clock and that times are in ns" in checked.refusals[0].detail
    assert checked.tally.accepted == len(good) + 1


@pytest.mark.parametrize("step_s", [3600, -3600, 125, -125])
def test_a_clock_that_is_set_refuses_nobody_who_follows_it_and_loses_no_number(
    checker: Checker, sequences: SequenceTracker, step_s: int
) -> None:
    for now_ns, numbers in ((NOW_NS, range(20)), (NOW_NS + step_s * 10**9, range(20, 40))):
        burst = [frame(trade(run="r", seq=seq, event_ns=now_ns, sent_ns=now_ns)) for seq in numbers]
        assert checker.check(burst_of(*burst), now_ns).tally.accepted == 20
    assert (sequences.sources["bot"].lost, sequences.sources["bot"].restarts) == (0, 0)


def test_a_source_that_is_125_s_behind_is_live(checker: Checker) -> None:
    behind_ns = NOW_NS - 125 * 10**9
    (chunk,) = checker.check(burst_of(frame(trade(event_ns=behind_ns, sent_ns=behind_ns))), NOW_NS).chunks
    assert chunk.replayed == []


_insane = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.none(), st.lists(st.integers(), max_size=3)
)
_insane_fields = st.dictionaries(st.sampled_from([*trade(run="r", seq=0), "id", "account"]), _insane, max_size=4)


def _insane_message(fields: dict[str, Any], count: int) -> bytes:
    """A message of the right form, with values of any kind."""
    return json.dumps({**(columns(count, run="r", seq=0) if count else trade(run="r", seq=0)), **fields}).encode()


@given(
    st.lists(st.builds(_insane_message, _insane_fields, st.integers(0, 3)), min_size=1, max_size=20),
    st.lists(st.lists(st.binary(max_size=9), min_size=2, max_size=4), max_size=3),
    st.integers(-3_600, 3_600),
)
def test_whatever_the_values_each_message_has_one_outcome_and_the_next_good_one_is_accepted(
    frames: list[bytes], multipart: list[list[bytes]], step_s: int
) -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    checker = Checker(tracker, max_ahead_ns=AHEAD_NS)
    checked = checker.check(Burst(frames, multipart), NOW_NS + step_s * 10**9)
    assert checked.tally.received + len(checked.commands) == len(frames) + len(multipart)
    assert sum(refusal.reason == Reason.MULTIPART for refusal in checked.refusals) == len(multipart)
    assert sum(chunk.trades for chunk in checked.chunks) <= 3 * len(frames)
    assert all(counts.lost >= 0 for counts in tracker.sources.values())
    assert checker.check(burst_of(frame(trade(source="good", run="g", seq=0))), NOW_NS).tally.accepted == 1


@pytest.mark.parametrize("together", [True, False])
def test_two_bots_that_give_one_run_are_counted_as_a_conflict(
    checker: Checker, sequences: SequenceTracker, *, together: bool
) -> None:
    frames = [
        frame(
            trade(run="prod", seq=seq, sent_ns=NOW_NS + 2 * seq + bot, event_ns=NOW_NS + 2 * seq + bot, price=1.0 + bot)
        )
        for seq in range(100)
        for bot in range(2)
    ]
    for burst in [frames] if together else [[each] for each in frames]:
        checker.check(burst_of(*burst), NOW_NS)
    counts = sequences.sources["bot"]
    assert (counts.accepted, counts.duplicate, counts.conflicts) == (101, 99, 99)
