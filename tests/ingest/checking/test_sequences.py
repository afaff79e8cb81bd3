"""What the numbers of a run say."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.sequences import SequenceResult, SequenceTracker


def test_the_first_number_of_a_run_is_where_it_is_joined() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    assert tracker.observe("bot", "r", 1000, 1, 0) == SequenceResult(0, 0)
    assert tracker.observe("bot", "r", 1003, 1, 0) == SequenceResult(0, 2)


def test_runs_of_one_source_are_followed_apart() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    tracker.observe("bot", "a", 0, 1, 0)
    assert tracker.observe("bot", "b", 7, 1, 0) == SequenceResult(0, 0)
    assert tracker.observe("bot", "a", 1, 1, 0) == SequenceResult(0, 0)


def test_a_flood_of_runs_and_sources_is_bounded_and_counted() -> None:
    tracker = SequenceTracker(max_runs=50, max_sources=20)
    for number in range(10_000):
        tracker.observe(f"bot{number}", "r", 0, 1, number)
        tracker.accept(f"bot{number}", 1, number, numbered=True)
    assert len(tracker.dump()) <= 50
    assert len(tracker.sources) == 21
    assert tracker.sources["other"].accepted == 9_980
    assert tracker.overflow_trades == 9_980


def test_the_quietest_runs_are_forgotten_first() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=100)
    for number in range(10):
        tracker.observe(f"bot{number}", None, 0, 1, number)
    tracker.observe("bot0", None, 1, 1, 100)
    tracker.observe("new", None, 0, 1, 101)
    kept = {run["source"] for run in tracker.dump()}
    assert "bot0" in kept
    assert "bot1" not in kept


def test_a_dump_can_be_loaded() -> None:
    first, second = (SequenceTracker(max_runs=10, max_sources=10) for _ in range(2))
    first.observe("bot", "r", 0, 5, 1)
    runs = [(str(r["source"]), "r", int(r["next_seq"] or 0), int(r["last_ns"] or 0), False) for r in first.dump()]
    second.load(runs, exact=True)
    assert second.observe("bot", "r", 7, 1, 2) == SequenceResult(0, 2)
    assert second.observe("bot", "r", 3, 2, 2) == SequenceResult(2, 0)


def test_one_absurd_number_does_not_spoil_the_run() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    tracker.observe("bot", "r", 0, 1, 0)
    assert tracker.observe("bot", "r", 2**62, 1, 0) == SequenceResult(0, 0)
    assert tracker.observe("bot", "r", 1, 1, 0) == SequenceResult(0, 0)
    assert tracker.observe("bot", "r", 5, 1, 0, max_jump=2) == SequenceResult(0, 0)
    assert tracker.observe("bot", "r", 3, 1, 0) == SequenceResult(0, 1)


def test_what_is_missing_after_a_crash_is_unaccounted_and_later_gaps_are_losses() -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    tracker.load([("bot", "r", 10, 1, False), ("quiet", None, 5, 1, False)], exact=False)
    assert tracker.observe("bot", "r", 14, 1, 2) == SequenceResult(0, 0)
    assert tracker.observe("bot", "r", 17, 1, 3) == SequenceResult(0, 2)
    tracker.observe("quiet", None, 5, 1, 4)
    tracker.observe("quiet", None, 9, 1, 5)
    assert (tracker.sources["bot"].unaccounted, tracker.sources["bot"].lost) == (4, 2)
    assert (tracker.sources["quiet"].unaccounted, tracker.sources["quiet"].lost) == (0, 3)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
def test_accepted_lost_and_duplicate_follow_from_the_numbers(numbers: list[int]) -> None:
    tracker = SequenceTracker(max_runs=10, max_sources=10)
    accepted = sum(not tracker.observe("bot", "r", seq, 1, 0).duplicate for seq in numbers)
    counts = tracker.sources["bot"]
    highest = max(numbers)
    assert accepted + counts.duplicate == len(numbers)
    assert accepted + counts.lost == highest - numbers[0] + 1 if highest >= numbers[0] else accepted == 1
