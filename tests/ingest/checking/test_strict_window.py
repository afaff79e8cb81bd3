"""Runs of durable clients: taken in order, each number once, whatever comes how often in what order."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.checker import Checker
from ingest.checking.sequences import SequenceTracker
from telemetry_runtime.fakes import burst_of
from tests.helpers.trades import frame as encoded

NOW_NS = 1_700_000_000_000_000_000
DAY_NS = 86_400_000_000_000


def tracker(*, max_runs: int = 10, run_idle_s: float = 1e9) -> SequenceTracker:
    return SequenceTracker(max_runs=max_runs, max_sources=10, run_idle_s=run_idle_s)


def trade(seq: int, *, sent_ns: int = NOW_NS, **fields: object) -> bytes:
    times = {"event_ns": sent_ns, "sent_ns": sent_ns}
    values = {"symbol": "A", "side": "buy", "qty": 1.0, "price": 1.0}
    return encoded({"type": "trade", "source": "bot", "run": "r", "seq": seq, **values, **times, **fields})


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8), st.integers(0, 3)), max_size=60))
def test_each_number_is_taken_once_and_in_order(pieces: list[tuple[int, int, int]]) -> None:
    sequences, taken = tracker(), list[int]()
    assert sequences.follow("bot", "r", 0)
    for seq, count, newer in pieces:
        stamps = (NOW_NS + newer, NOW_NS + newer, NOW_NS + newer)
        if sequences.goes_on("bot", "r", seq, count, stamps):
            taken += range(seq, seq + count)
        else:
            for start, end in sequences.observe("bot", "r", seq, count, stamps).new:
                taken += range(start, end)
    assert taken == list(range(len(taken)))
    window = sequences.strict(("bot", "r"))
    assert window is not None
    assert window.next_seq == len(taken)
    assert sum(counts.lost + counts.restarts for counts in sequences.sources.values()) == 0


def test_a_number_behind_a_missing_one_is_refused_counted_and_taken_when_it_comes_again() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    checker = Checker(sequences, max_ahead_ns=0)
    checked = checker.check(burst_of(trade(0), trade(2), trade(3)), NOW_NS)
    assert (checked.tally.accepted, checked.tally.refused, checked.out_of_order_messages) == (1, 2, 2)
    assert checked.refusals == []  # they will come again: no dead letters
    checked = checker.check(burst_of(*map(trade, (1, 2, 3))), NOW_NS)
    assert (checked.tally.accepted, checked.out_of_order_messages) == (3, 0)
    counts = sequences.sources["bot"]
    assert (counts.lost, counts.duplicate) == (0, 0)


def test_a_large_burst_with_a_gap_is_refused_from_there_on() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    checker = Checker(sequences, max_ahead_ns=0)
    checked = checker.check(burst_of(*(trade(seq) for seq in range(100) if seq != 50)), NOW_NS)
    assert (checked.tally.accepted, checked.out_of_order_messages) == (50, 49)
    checked = checker.check(burst_of(*(trade(seq) for seq in range(60, 160))), NOW_NS)
    assert (checked.tally.accepted, checked.out_of_order_messages) == (0, 100)


def test_a_refused_message_is_passed_like_an_accepted_one() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    checked = Checker(sequences, max_ahead_ns=0).check(burst_of(trade(0), trade(1, qty=-1.0), trade(2)), NOW_NS)
    assert (checked.tally.accepted, checked.tally.refused, checked.out_of_order_messages) == (2, 1, 0)


def test_what_had_to_wait_for_days_is_accepted_from_a_durable_client_only() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    checker, sent_ns = Checker(sequences, max_ahead_ns=0), NOW_NS - 3 * DAY_NS
    assert checker.check(burst_of(trade(0, sent_ns=sent_ns)), NOW_NS).tally.accepted == 1
    assert checker.check(burst_of(trade(0, sent_ns=sent_ns, run="plain")), NOW_NS).tally.refused == 1


def test_what_the_client_holds_no_more_is_lost_or_after_a_power_cut_unaccounted() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    sequences.observe("bot", "r", 0, 10, (1, 1, 1))
    sequences.follow("bot", "r", 15)
    assert sequences.sources["bot"].lost == 5
    restored = tracker()
    restored.load(sequences.dump(), exact=False)
    restored.follow("bot", "r", 18)
    assert (restored.sources["bot"].lost, restored.sources["bot"].unaccounted) == (0, 3)


def test_of_a_run_that_a_power_cut_took_the_earlier_numbers_are_unaccounted() -> None:
    sequences = tracker()
    sequences.follow("bot", "before", 7)
    assert sequences.sources.get("bot") is None  # forgotten, or of a log that was moved away: nobody knows
    sequences.lacks_runs = True
    sequences.follow("bot", "new", 0)
    sequences.follow("bot", "cut", 5)
    sequences.follow("bot", "cut", 5)
    assert sequences.sources["bot"].unaccounted == 5
    # Joined by a message before its sender has said where it stands.
    sequences.observe("bot", "joined", 3, 2, (NOW_NS, NOW_NS, NOW_NS))
    assert sequences.follow("bot", "joined", 3)
    assert (sequences.sources["bot"].unaccounted, sequences.sources["bot"].lost) == (8, 0)


def test_after_a_power_cut_a_run_that_was_only_asked_about_and_forgotten_is_counted_once() -> None:
    sequences = tracker(max_runs=8)
    sequences.lacks_runs = True
    for _ in range(3):
        for number in range(4):
            sequences.follow("bot", f"cut {number}", 5)
    assert sequences.sources["bot"].unaccounted == 4 * 5
    # What is missing since it was forgotten is counted besides.
    sequences.follow("bot", "cut 0", 8)
    assert sequences.sources["bot"].unaccounted == 4 * 5 + 3


def test_after_a_power_cut_a_run_that_was_forgotten_as_it_was_quiet_is_not_one_that_the_cut_took() -> None:
    sequences = tracker(run_idle_s=1)
    sequences.lacks_runs = True
    sequences.follow("bot", "r", 0)
    sequences.observe("bot", "r", 0, 100, (NOW_NS, NOW_NS, NOW_NS))
    sequences.tick(NOW_NS + 100_000_000_000, 100_000_000_000)
    assert sequences.strict(("bot", "r")) is None
    sequences.follow("bot", "r", 100)
    assert sequences.sources.get("bot") is None or sequences.sources["bot"].unaccounted == 0


def test_a_run_stays_strict_over_a_restart_and_a_plain_run_is_never_made_so() -> None:
    sequences = tracker()
    sequences.follow("bot", "strict", 0)
    sequences.observe("bot", "strict", 0, 10, (1, 1, 1))
    sequences.observe("bot", "plain", 0, 10, (1, 1, 1))
    restored = tracker()
    restored.load(sequences.dump(), exact=True)
    strict = restored.strict(("bot", "strict"))
    assert strict is not None
    assert strict.next_seq == 10
    assert restored.observe("bot", "strict", 12, 1, (2, 2, 2)).new == ()
    assert not restored.follow("bot", "plain", 0)
    assert restored.observe("bot", "plain", 12, 1, (2, 2, 2)).new == ((12, 13),)


def test_reports_of_the_sender_move_nothing() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    for is_end in (False, True):
        sequences.reach("bot", "r", 50, NOW_NS, is_end=is_end)
    assert sequences.observe("bot", "r", 0, 1, (1, 1, 1)).new == ((0, 1),)
    assert sequences.sources["bot"].lost == 0 if "bot" in sequences.sources else True


def test_a_client_cannot_jump_over_all_numbers() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    assert not sequences.follow("bot", "r", 2**60)
    assert sequences.goes_on("bot", "r", 0, 1, (1, 1, 1))


def test_a_strict_run_that_was_forgotten_and_goes_on_is_strict_again() -> None:
    sequences = SequenceTracker(max_runs=1, max_sources=10)
    sequences.follow("bot", "r", 0)
    sequences.observe("bot", "r", 0, 10, (1, 1, 1))
    sequences.follow("bot", "other", 0)  # there is room for one
    sequences.observe("bot", "r", 10, 3, (2, 2, 2))
    assert sequences.follow("bot", "r", 10)
    window = sequences.strict(("bot", "r"))
    assert window is not None
    assert window.next_seq == 13


def test_a_run_that_misses_numbers_is_never_made_strict() -> None:
    sequences = tracker()
    sequences.observe("bot", "r", 10, 3, (1, 1, 1))
    sequences.observe("bot", "r", 15, 1, (2, 2, 2))
    assert not sequences.follow("bot", "r", 10)
    assert not sequences.follow("bot", "r", 15)


def test_a_flood_of_questions_takes_the_place_of_no_run_that_sends() -> None:
    sequences = SequenceTracker(max_runs=100, max_sources=10)
    for number in range(50):
        assert sequences.follow("bot", f"strict {number}", 0)
        sequences.observe("bot", f"strict {number}", 0, 5, (1, 1, 1))
    for number in range(20):
        sequences.observe("bot", f"plain {number}", 0, 5, (1, 1, 1))
    for number in range(4_096):
        assert sequences.follow("flood", f"{number}", 0)
    for number in range(50):
        window = sequences.strict(("bot", f"strict {number}"))
        assert window is not None
        assert window.next_seq == 5
    assert sequences.observe("bot", "plain 0", 0, 5, (1, 1, 1)).duplicate == 5
    # The last ones that asked are there, and may send.
    assert sequences.goes_on("flood", "4095", 0, 1, (1, 1, 1))


def test_a_sender_that_says_it_has_sent_what_did_not_come_is_asked_for_it() -> None:
    sequences = tracker()
    sequences.follow("bot", "r", 0)
    window = sequences.strict(("bot", "r"))
    assert window is not None
    sequences.reach("bot", "r", 0, NOW_NS, is_end=False)
    assert not window.was_passed_over
    sequences.reach("bot", "r", 1, NOW_NS, is_end=False)
    assert window.was_passed_over
