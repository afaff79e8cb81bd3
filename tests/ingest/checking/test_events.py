"""Messages about orders have one outcome each, and numbers of their own kind."""

import pytest

from ingest.checking.checker import Checker
from ingest.checking.event_check import kind_and_source
from ingest.checking.outcomes import Checked
from ingest.checking.sequences import SequenceTracker
from telemetry_runtime import Burst
from telemetry_schema import PositionReport, Quote, RateLimitReport, encode
from tests.helpers.trades import NOW_NS, frame, trade

AHEAD_NS = 5_000_000_000


@pytest.fixture
def trades() -> SequenceTracker:
    return SequenceTracker(max_runs=100, max_sources=10)


@pytest.fixture
def events() -> SequenceTracker:
    return SequenceTracker(max_runs=100, max_sources=10)


@pytest.fixture
def checker(trades: SequenceTracker, events: SequenceTracker) -> Checker:
    return Checker(trades, max_ahead_ns=AHEAD_NS, events=events)


def order(**changes: object) -> bytes:
    values = {"type": "order", "source": "bot", "event": "ack", "order_id": "o", "clock": "bot"}
    return frame({**values, "event_ns": NOW_NS, "sent_ns": NOW_NS, **changes})


def quote(**changes: object) -> bytes:
    values = {"source": "bot", "symbol": "A", "bid": 1.0, "ask": 2.0, "event_ns": NOW_NS, "sent_ns": NOW_NS}
    return encode(Quote.model_validate({**values, **changes}))


def checked(checker: Checker, *frames: bytes) -> Checked:
    return checker.check(Burst(list(frames), []), NOW_NS)


def test_each_kind_is_accepted_as_it_came_and_counted_by_kind(checker: Checker) -> None:
    report = PositionReport(source="bot", account="a", symbol="A", qty=-1.0, event_ns=NOW_NS, sent_ns=NOW_NS)
    limit = RateLimitReport(
        source="bot",
        account="a",
        venue="v",
        limit="l",
        used=1.0,
        allowed=2.0,
        interval_s=1.0,
        event_ns=NOW_NS,
        sent_ns=NOW_NS,
    )
    frames = [order(), quote(), encode(report), encode(limit)]
    found = checked(checker, *frames)
    assert found.events == frames
    assert {kind: tally.accepted for kind, tally in found.event_tallies.items()} == {
        "order": 1,
        "quote": 1,
        "position": 1,
        "rate_limit": 1,
    }
    assert found.tally.accepted == 4
    assert found.chunks == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (order(event="submit"), "missing_field"),
        (order(event="melt"), "wrong_type"),
        (order(reason="No Money"), "bad_name"),
        (order(seq=1), "seq_without_run"),
        (order(fee=1.0), "missing_field"),
        (order(seen_ns=NOW_NS), "missing_field"),
        (order(sent_ns=NOW_NS + 2 * AHEAD_NS), "future_time"),
        (order(sent_ns=NOW_NS - 2 * 86_400_000_000_000), "past_time"),
        (order(event="fill", symbol="A", side="buy", last_qty=1e14, last_price=1e11), "out_of_range"),
        (order(surprise=1), "unknown_field"),
        (frame({**trade(), "type": "quote"}), "missing_field"),
    ],
)
def test_what_cannot_be_is_refused_under_one_reason_and_stands_for_no_trade(
    checker: Checker, wrong: bytes, reason: str
) -> None:
    found = checked(checker, wrong)
    assert [(str(refusal.reason), refusal.trades) for refusal in found.refusals] == [(reason, 0)]
    assert found.events == []
    assert sum(tally.refused for tally in found.event_tallies.values()) == found.tally.refused == 1


def test_a_crossed_quote_is_refused(checker: Checker) -> None:
    crossed = quote().replace(b'"ask":2.0', b'"ask":0.5')
    assert [str(refusal.reason) for refusal in checked(checker, crossed).refusals] == ["out_of_range"]


def test_kinds_and_trades_of_one_run_are_numbered_apart(
    checker: Checker, trades: SequenceTracker, events: SequenceTracker
) -> None:
    run = {"run": "r", "source": "bot"}
    checked(checker, frame(trade(**run, seq=0)), order(**run, seq=0), quote(**run, seq=0), order(**run, seq=3))
    found = checked(checker, order(**run, seq=3), frame(trade(**run, seq=1)), quote(**run, seq=1))
    assert found.tally.duplicate == found.event_tallies["order"].duplicate == 1
    assert {kind_and_source(name): (each.lost, each.duplicate) for name, each in events.sources.items()} == {
        ("order", "bot"): (2, 1),
        ("quote", "bot"): (0, 0),
    }
    assert (trades.sources["bot"].lost, trades.sources["bot"].duplicate) == (0, 0)


def test_the_number_of_a_refused_event_is_not_lost_as_well(checker: Checker, events: SequenceTracker) -> None:
    checked(checker, order(run="r", seq=0), order(run="r", seq=1, event="melt"), order(run="r", seq=2))
    assert [each.lost for each in events.sources.values()] == [0]


def _word(next_seq: int, **fields: object) -> bytes:
    return frame(
        {
            "type": "alive",
            "source": "bot",
            "run": "r",
            "kind": "order",
            "next_seq": next_seq,
            "sent_ns": NOW_NS,
            **fields,
        }
    )


def test_a_durable_senders_word_how_far_a_kind_goes_shows_that_its_last_message_is_missing(
    checker: Checker, events: SequenceTracker, trades: SequenceTracker
) -> None:
    assert events.follow("order\x1fbot", "r", 0)

    def state() -> tuple[int, bool]:
        window = events.strict(("order\x1fbot", "r"))
        assert window is not None
        return window.next_seq, window.was_passed_over

    checked(checker, order(run="r", seq=0), _word(1))
    assert state() == (1, False)
    found = checked(checker, _word(2))
    assert (found.tally.accepted, found.tally.refused) == (1, 0)
    assert state() == (1, True)
    # It is no word about trades, and of a plain sender it says nothing.
    checked(checker, _word(7, source="plain"), order(source="plain", run="r", seq=7))
    assert trades.move_of(("bot", "r")) == trades.move_of(("plain", "r")) == -1
    assert [counts.lost for counts in events.sources.values()] == [0, 0]
