"""Losses, duplicates and restarts, as a run's sequence numbers say."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.run_window import MAX_GAPS, NEAR_TRADES, WINDOW_TRADES
from ingest.checking.sequences import SequenceTracker


def _tracker(max_runs: int = 10, max_sources: int = 10) -> SequenceTracker:
    return SequenceTracker(max_runs=max_runs, max_sources=max_sources)


def _see(tracker: SequenceTracker, seq: int, count: int = 1, at_ns: int = 0, *, run: str = "r") -> tuple[int, int]:
    """Duplicates and losses of a message that was sent, and happened, at `at_ns`."""
    result = tracker.observe("bot", run, seq, count, (at_ns, at_ns, at_ns))
    return result.duplicate, result.lost


def _accepted(tracker: SequenceTracker, *numbers: int, first_ns: int = 1) -> int:
    """How many of the numbers are accepted, each a nanosecond newer than the one before."""
    return sum(not _see(tracker, seq, at_ns=at_ns)[0] for at_ns, seq in enumerate(numbers, first_ns))


def test_the_first_number_of_a_run_is_where_it_is_joined() -> None:
    tracker = _tracker()
    assert _see(tracker, 1000) == (0, 0)
    assert _see(tracker, 1003) == (0, 2)


def test_runs_of_one_source_are_followed_apart() -> None:
    tracker = _tracker()
    _see(tracker, 0, run="a")
    assert _see(tracker, 7, run="b") == (0, 0)
    assert _see(tracker, 1, run="a") == (0, 0)


def test_a_flood_of_runs_and_sources_is_bounded_and_counted() -> None:
    tracker = _tracker(max_runs=50, max_sources=20)
    for number in range(10_000):
        tracker.observe(f"bot{number}", "r", 0, 1, (0, 0, 0))
        tracker.accept(f"bot{number}", 1, number, numbered=True)
    assert len(tracker.dump()) <= 50
    assert len(tracker.sources) == 21
    assert tracker.sources["other"].accepted == 9_980
    assert tracker.overflow_trades == 9_980


def test_runs_of_dead_sources_take_no_labels_after_a_restart() -> None:
    before = _tracker(max_runs=200, max_sources=100)
    for number in range(110):
        before.observe(f"pod-{number}", "r", 0, 1, (0, 0, 0))
        before.accept(f"pod-{number}", 1, 0, numbered=True)

    after = _tracker(max_runs=200, max_sources=100)
    after.load(before.dump(), exact=True)
    after.accept("bot", 1, 0, numbered=True)

    assert {*after.sources} == {"bot"}
    assert after.overflow_trades == 0


def test_the_quietest_runs_are_forgotten_first() -> None:
    tracker = _tracker(max_sources=100)
    for number in range(10):
        _see(tracker, 0, run=f"run{number}")
    _see(tracker, 1, run="run0")
    _see(tracker, 0, run="new")
    kept = {run.run for run in tracker.dump()}
    assert "run0" in kept
    assert "run1" not in kept


def test_a_run_that_was_quiet_for_too_long_is_forgotten_by_monotonic_time() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10, run_idle_s=3600)
    tracker.tick(0, 0)
    _see(tracker, 0, run="quiet")
    tracker.tick(10**18, 1_800 * 10**9)  # wall time may jump
    _see(tracker, 0, run="busy")
    tracker.tick(0, 4_000 * 10**9)
    assert [run.run for run in tracker.dump()] == ["busy"]


def test_a_dump_can_be_loaded() -> None:
    first, second = _tracker(), _tracker()
    _see(first, 0, 5, 1)
    second.load(first.dump(), exact=True)
    assert _see(second, 7, 1, 2) == (0, 2)
    assert _see(second, 3, 2, 2) == (2, 0)


def test_a_late_number_takes_its_loss_back_also_in_the_next_process() -> None:
    first, second = _tracker(), _tracker()
    _see(first, 0, 5, 1)
    _see(first, 9, 1, 2)
    assert _see(first, 8, 1, 1) == (0, 0)
    assert first.sources["bot"].lost == 3
    second.load(first.dump(), exact=True)
    assert _see(second, 6, 2, 1) == (0, 0)
    assert _see(second, 6, 2, 1) == (2, 0)
    assert _see(second, 12, 1, 3) == (0, 2)
    assert second.sources["bot"].lost == 2  # the late ones were lost in the other process


def test_ids_of_one_millisecond_may_come_in_any_order() -> None:
    tracker = _tracker()
    numbers = (140, 145, 147, 143, 142, 141, 146, 144, 148)
    assert sum(not _see(tracker, seq, at_ns=7)[0] for seq in numbers) == 9
    assert (tracker.sources["bot"].lost, tracker.sources["bot"].duplicate) == (0, 0)


def test_ids_that_are_reordered_with_newer_times_are_no_restart() -> None:
    tracker = _tracker()
    assert _accepted(tracker, 147, 143, 144, 142, 141, 140, 146, 145, 148) == 9
    counts = tracker.sources.get("bot")
    assert counts is None or (counts.lost, counts.duplicate, counts.restarts) == (0, 0, 0)


def test_numbers_that_go_on_from_a_lower_base_are_one_restart() -> None:
    tracker = _tracker()
    assert _accepted(tracker, *range(800_000, 800_020), *range(1, 61)) == 80
    assert (tracker.sources["bot"].restarts, tracker.sources["bot"].lost) == (1, 0)
    assert _accepted(tracker, *range(61, 70), first_ns=200) == 9


def test_a_second_session_under_the_same_name_is_a_restart_and_loses_nothing() -> None:
    tracker = _tracker()
    assert _accepted(tracker, *range(100), *range(100)) == 200
    counts = tracker.sources["bot"]
    assert (counts.restarts, counts.duplicate, counts.lost) == (1, 0, 0)


def test_a_restart_that_is_joined_in_the_middle_is_found_at_its_second_number() -> None:
    tracker = _tracker()
    assert _accepted(tracker, *range(100), *range(3, 100)) == 100 + 96
    assert (tracker.sources["bot"].restarts, tracker.sources["bot"].duplicate) == (1, 1)


def _conflicts(tracker: SequenceTracker) -> int:
    counts = tracker.sources.get("bot")
    return 0 if counts is None else counts.conflicts


def test_two_senders_of_one_run_are_found_and_named() -> None:
    found: list[tuple[str, str | None]] = []
    tracker = SequenceTracker(max_runs=10, max_sources=10, on_conflict=lambda source, run: found.append((source, run)))
    mixed = [seq for pair in zip(range(50), range(50), strict=True) for seq in pair]
    accepted = _accepted(tracker, *mixed)
    assert accepted == 51, "of the second one its first trade, which may be a restart"
    assert _conflicts(tracker) == tracker.sources["bot"].duplicate == 49
    assert found == [("bot", "r")] * 49


def test_a_second_sender_of_a_run_that_joins_later_is_found_once_its_numbers_come_twice() -> None:
    tracker = _tracker()
    _accepted(tracker, *range(100))
    mixed = [seq for pair in zip(range(100, 300), range(200), strict=True) for seq in pair]
    _accepted(tracker, *mixed, first_ns=200)
    assert _conflicts(tracker) == tracker.sources["bot"].duplicate > 90


def test_a_batch_of_which_a_part_was_seen_counts_that_part() -> None:
    tracker = _tracker()
    _see(tracker, 0, 10, 1)
    _see(tracker, 20, 10, 2)
    _see(tracker, 5, 10, 3)
    assert (tracker.sources["bot"].duplicate, _conflicts(tracker)) == (5, 5)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5)), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 100)), max_size=60),
    st.sampled_from([1, 3, 60]),
)
def test_a_sender_that_repeats_what_it_sent_conflicts_with_nobody_and_has_not_started_anew(
    messages: list[tuple[int, int]], repeats: list[tuple[int, int]], resolution_ns: int
) -> None:
    tracker = _tracker()
    sent = [
        (seq, count, at_ns - at_ns % resolution_ns)
        for at_ns, (seq, count) in enumerate(zip(*_numbered(messages), strict=True), 100)
    ]
    for sent_ns, (seq, count, event_ns) in enumerate(sent, 100):
        tracker.observe("bot", "r", seq, count, (event_ns, event_ns, sent_ns))
    for which, later_ns in repeats:
        seq, count, event_ns = sent[which % len(sent)]
        again = tracker.observe("bot", "r", seq, count, (event_ns, event_ns, 100 + len(sent) + later_ns))
        assert (again.new, again.lost) == ((), 0)
    assert _conflicts(tracker) == 0
    assert all(counts.restarts == 0 for counts in tracker.sources.values())


def test_trades_of_one_millisecond_that_are_sent_again_are_counted_once() -> None:
    tracker = _tracker()
    ms = 1_000_000
    for sent_ns, seq in enumerate([0, 1, 2, 3, 4, 0, 2, 3, 4, 3], 5 * ms):
        tracker.observe("bot", "r", seq, 1, (5 * ms, 5 * ms, sent_ns))
    counts = tracker.sources["bot"]
    assert (counts.duplicate, counts.restarts, counts.lost) == (5, 0, 0)


def _numbered(messages: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Numbers and trades of messages, of which each passes over some numbers."""
    firsts, counts, seq = list[int](), list[int](), 0
    for passed_over, count in messages:
        firsts.append(seq + passed_over)
        counts.append(count)
        seq += passed_over + count
    return firsts, counts


def test_old_trades_under_a_new_time_of_sending_are_duplicates() -> None:
    tracker = _tracker()
    for seq in range(10):
        tracker.observe("bot", "r", seq, 1, (seq, seq, seq))
    again = [tracker.observe("bot", "r", seq, 1, (seq, seq, 100 + seq)).duplicate for seq in range(9)]
    assert again == [1] * 9
    assert tracker.sources["bot"].restarts == 0


def test_one_far_number_does_not_silence_its_run() -> None:
    tracker = _tracker()
    assert _accepted(tracker, 0, 1, 2, 3, 4, 900_000_000, 5, 6, 7, 8, 9) == 11
    assert "bot" not in tracker.sources  # nothing lost, repeated or restarted


def test_a_far_jump_is_a_loss_as_soon_as_it_goes_on() -> None:
    tracker = _tracker()
    assert _accepted(tracker, 0, 1, 50_000, 50_001, 50_002) == 5
    assert tracker.sources["bot"].lost == 49_998


def test_a_far_number_that_repeats_is_a_duplicate() -> None:
    tracker = _tracker()
    assert _accepted(tracker, 0, 1, 900_000, 900_000, 2) == 4


def test_a_jump_beyond_all_reason_is_a_restart_and_no_loss() -> None:
    tracker = _tracker()
    assert _accepted(tracker, 0, 1, 2**62, 2**62 + 1) == 4
    assert (tracker.sources["bot"].lost, tracker.sources["bot"].restarts) == (0, 1)


def test_two_far_sequences_under_one_name_lose_nothing_while_they_alternate() -> None:
    tracker = _tracker()
    mixed = [seq for pair in zip(range(50), range(10**6, 10**6 + 50), strict=True) for seq in pair]
    assert _accepted(tracker, *mixed) == 100
    assert "bot" not in tracker.sources


def test_a_refused_message_moves_a_run_only_where_it_goes_on() -> None:
    tracker = _tracker()
    _see(tracker, 0)
    tracker.mark("bot", "r", 999_999, 16_384)
    tracker.mark("bot", "r", 1, 1)
    tracker.mark("new", "r", 999_999, 1)
    assert _accepted(tracker, *range(2, 12)) == 10
    assert "bot" not in tracker.sources
    assert [run.source for run in tracker.dump()] == ["bot"]


def test_what_is_below_the_window_is_old() -> None:
    tracker = _tracker()
    _see(tracker, 0, WINDOW_TRADES + 10, 5)
    assert _see(tracker, 3, 1, 4) == (1, 0)


def test_the_gaps_of_a_run_are_bounded() -> None:
    tracker = _tracker()
    for seq in range(0, 10_000, 2):
        _see(tracker, seq, at_ns=1)
    (run,) = tracker.dump()
    assert len(run.gaps) == MAX_GAPS
    assert tracker.sources["bot"].lost == 4_999
    assert _see(tracker, 9_997, at_ns=1) == (0, 0)


def test_a_run_with_many_holes_takes_each_number_that_comes_late_once() -> None:
    tracker = _tracker()
    even, odd = range(0, 2_000, 2), range(1, 2_000, 2)
    assert _accepted(tracker, *even) == 1_000
    assert tracker.sources["bot"].lost == 999
    for seq in odd:
        assert _see(tracker, seq, at_ns=1) == (0, 0)
    assert (tracker.sources["bot"].lost, tracker.sources["bot"].duplicate) == (0, 0)
    for seq in (*odd, *even):
        assert _see(tracker, seq, at_ns=1) == (1, 0)
    assert tracker.sources["bot"].lost == 0


def test_columns_may_fill_many_holes_at_once_and_go_on() -> None:
    tracker = _tracker()
    for seq in range(0, 1_000, 2):
        _see(tracker, seq, at_ns=1)
    result = tracker.observe("bot", "r", 100, 1_000, (1, 1, 1))
    assert result.new == (*((seq, seq + 1) for seq in range(101, 998, 2)), (999, 1_100))
    assert result.duplicate == 450
    assert tracker.sources["bot"].lost == 50
    assert [_see(tracker, seq, at_ns=1)[0] for seq in (97, 98, 99, 101, 1_099, 1_100)] == [0, 1, 0, 1, 1, 0]


def test_what_is_missing_in_older_gaps_counts_as_seen_after_a_restart() -> None:
    before, tracker = _tracker(), _tracker()
    for seq in range(0, 1_000, 2):
        _see(before, seq, at_ns=1)
    tracker.load(before.dump(), exact=True)
    assert sum(not _see(tracker, seq, at_ns=1)[0] for seq in range(1, 999, 2)) == MAX_GAPS


def test_numbers_that_begin_again_leave_no_holes_of_before() -> None:
    tracker = _tracker()
    for seq in range(0, 1_000, 2):
        _see(tracker, seq, at_ns=1)
    assert _accepted(tracker, *range(1_000), first_ns=2) == 1_000
    assert _see(tracker, 501, at_ns=1) == (1, 0)
    assert (tracker.sources["bot"].restarts, tracker.sources["bot"].lost) == (1, 499)


def test_a_run_that_was_joined_between_many_holes_is_not_taken_for_one_that_is_whole() -> None:
    tracker = _tracker()
    for seq in range(1_000, 2_000, 2):
        _see(tracker, seq, at_ns=1)
    for seq in range(1_901, 1_998, 2):
        _see(tracker, seq, at_ns=1)
    assert not tracker.follow("bot", "r", 1_000)
    for seq in range(1_001, 1_900, 2):
        _see(tracker, seq, at_ns=1)
    assert tracker.follow("bot", "r", 1_000)


def test_columns_may_fill_a_gap_in_part_and_go_on() -> None:
    tracker = _tracker()
    for seq, count in ((0, 3), (5, 3)):
        _see(tracker, seq, count, 1)
    result = tracker.observe("bot", "r", 2, 8, (1, 1, 1))
    assert (result.duplicate, result.new) == (4, ((3, 5), (8, 10)))
    assert tracker.sources["bot"].lost == 0


def test_what_is_missing_after_a_crash_is_unaccounted_and_later_gaps_are_losses() -> None:
    before, tracker = _tracker(), _tracker()
    for run in ("r", "quiet"):
        _see(before, 0, 10, run=run)
    tracker.load(before.dump(), exact=False)
    assert _see(tracker, 14) == (0, 0)
    assert _see(tracker, 17) == (0, 2)
    assert (tracker.sources["bot"].unaccounted, tracker.sources["bot"].lost) == (4, 2)
    _see(tracker, 10, run="quiet")
    _see(tracker, 14, run="quiet")
    assert (tracker.sources["bot"].unaccounted, tracker.sources["bot"].lost) == (4, 5)


def test_a_far_jump_after_a_crash_is_unaccounted() -> None:
    before, tracker = _tracker(), _tracker()
    _see(before, 0, 10)
    tracker.load(before.dump(), exact=False)
    assert _accepted(tracker, 10 + 2 * NEAR_TRADES, 11 + 2 * NEAR_TRADES) == 2
    assert (tracker.sources["bot"].unaccounted, tracker.sources["bot"].lost) == (2 * NEAR_TRADES, 0)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
def test_each_number_is_accepted_once_and_lost_while_it_is_missing(numbers: list[int]) -> None:
    tracker = _tracker()
    accepted = sum(not _see(tracker, seq)[0] for seq in numbers)
    assert accepted == len(set(numbers))
    missing = set(range(numbers[0], max(numbers) + 1)) - set(numbers)
    counts = tracker.sources.get("bot")
    assert (counts.lost if counts else 0) == len(missing)
    assert (counts.duplicate if counts else 0) == len(numbers) - len(set(numbers))


@given(st.integers(0, 2**32), st.integers(100, 1_000))
def test_each_of_many_numbers_in_any_order_is_accepted_once(seed: int, numbers: int) -> None:
    tracker = _tracker()
    some = [0, *Random(seed).choices(range(2 * numbers), k=numbers)]  # noqa: S311 - a simulation
    assert sum(not _see(tracker, seq)[0] for seq in some) == len(set(some))
    counts = tracker.sources["bot"]
    assert counts.lost == max(some) + 1 - len(set(some))
    assert counts.duplicate == len(some) - len(set(some))


_far = st.integers(0, 2**63 - 40_000)
_messages = st.tuples(_far | st.integers(0, 200_000), st.integers(1, 20_000), st.integers(0, 5))


@given(st.lists(_messages, max_size=60))
def test_whatever_the_numbers_the_state_is_bounded_and_in_order(messages: list[tuple[int, int, int]]) -> None:
    tracker = _tracker()
    for seq, count, at_ns in messages:
        result = tracker.observe("bot", "r", seq, count, (at_ns, at_ns, at_ns))
        assert 0 <= result.duplicate <= count
        assert sum(end - start for start, end in result.new) == count - result.duplicate
    counts = tracker.sources.get("bot")
    assert counts is None or counts.lost >= 0
    for run in tracker.dump():
        bounds = [bound for gap in run.gaps for bound in gap]
        assert bounds == sorted(bounds)
        assert len(run.gaps) <= MAX_GAPS


def test_a_loss_that_was_counted_under_a_label_given_up_since_does_not_fall_below_zero() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=1, source_idle_s=1)
    _see(tracker, 0)
    _see(tracker, 9)
    for second, source in enumerate(("new", "bot"), 1):
        tracker.tick(0, 10 * second * 10**9)
        tracker.accept(source, 1, 0, numbered=True)
    _see(tracker, 5)
    assert (tracker.sources["bot"].lost, tracker.sources.get("other")) == (0, None)
