"""A study runs when trades have come, at most once in its span, and rests after it has failed."""

from typing import Any

import pytest

from analytics.studies.protocol import GaugeSpec, StudySpec
from analytics.studies.schedule import Due, Schedule, Subject

S = 1_000_000_000


def spec(name: str, **fields: Any) -> StudySpec:  # noqa: ANN401 - fields of the spec
    values: dict[str, Any] = {
        "where": "f.py:1",
        "window_ns": 60 * S,
        "every_ns": S,
        "gauges": [GaugeSpec("g", "text", None, 1)],
        "origins": ["market"],
        "symbols": [],
        "together": [],
        "is_builtin": False,
        **fields,
    }
    return StudySpec(name=name, **values)


A, B = Subject("A", "market"), Subject("B", "market")


def test_it_runs_with_the_first_trade_and_then_once_in_its_span() -> None:
    schedule = Schedule([spec("s")], max_failures=3)
    runs = []
    for tenth in range(35):
        now_ns = tenth * S // 10
        schedule.trigger("A", "market", now_ns)
        if schedule.next_due(now_ns):
            runs.append(tenth)
    assert runs == [0, 10, 20, 30]


def test_new_trades_are_looked_for_four_times_in_a_span_and_when_a_study_is_due() -> None:
    schedule = Schedule([spec("s"), spec("slow", every_ns=7 * S)], max_failures=3)
    looks, runs = [], []
    for turn_ms in range(0, 2_400, 50):
        if schedule.look(turn_ms * S // 1000):
            looks.append(turn_ms)
            schedule.trigger("A", "market", turn_ms * S // 1000)
        if schedule.next_due(turn_ms * S // 1000):
            runs.append(turn_ms)
    assert runs == [0, 1_000, 2_000]
    assert looks == [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000, 2_250]


def test_a_study_that_is_due_between_two_looks_is_given_the_trades_until_then() -> None:
    schedule = Schedule([spec("s", every_ns=3 * S)], max_failures=3)
    schedule.trigger("A", "market", 0)
    schedule.next_due(0)
    schedule.trigger("A", "market", S)  # again due at 3 s
    assert [schedule.look(at_ns) for at_ns in (3 * S - 2, 3 * S - 1, 3 * S, 3 * S + 1)] == [True, False, True, True]
    schedule.next_due(3 * S)
    assert not schedule.look(3 * S + 2)


def test_studies_with_a_short_span_are_looked_for_more_often() -> None:
    schedule = Schedule([spec("s"), spec("quick", every_ns=S // 10)], max_failures=3)
    assert [schedule.look(turn_ms * S // 1000) for turn_ms in (0, 10, 25, 30, 50)] == [True, False, True, False, True]


def test_without_studies_it_is_hardly_looked() -> None:
    schedule = Schedule([], max_failures=3)
    assert [schedule.look(turn_ms * S // 1000) for turn_ms in (0, 100, 200, 250)] == [True, False, False, True]


def test_without_trades_it_does_not_run() -> None:
    schedule = Schedule([spec("s")], max_failures=3)
    schedule.trigger("A", "market", 0)
    assert schedule.next_due(0) == Due(A, ["s"])
    assert schedule.next_due(100 * S) is None


def test_the_symbol_that_has_waited_longest_comes_first_with_all_its_studies() -> None:
    schedule = Schedule([spec("s"), spec("slow", every_ns=5 * S)], max_failures=3)
    schedule.trigger("B", "market", 1)
    schedule.trigger("A", "market", 2)
    assert [schedule.next_due(3), schedule.next_due(3), schedule.next_due(3)] == [
        Due(B, ["s", "slow"]),
        Due(A, ["s", "slow"]),
        None,
    ]


def test_what_the_worker_had_no_time_for_is_counted_as_skipped() -> None:
    schedule = Schedule([spec("s")], max_failures=3)
    for tenth in range(36):
        schedule.trigger("A", "market", tenth * S // 10)
    schedule.next_due(int(3.5 * S))
    assert schedule.skipped == {"s": 3}


def test_a_run_that_is_late_without_new_trades_is_not_counted_as_skipped() -> None:
    schedule = Schedule([spec("s")], max_failures=3)
    schedule.trigger("A", "market", 0)
    schedule.trigger("A", "market", S // 2)
    assert schedule.next_due(60 * S) == Due(A, ["s"])
    assert schedule.skipped == {"s": 0}


def test_a_failed_study_rests_longer_each_time_and_is_disabled_in_the_end() -> None:
    schedule = Schedule([spec("s")], max_failures=4)
    now_ns, waited, disabled = 0, [], False
    for _ in range(4):
        schedule.trigger("A", "market", now_ns)
        began = now_ns
        while (schedule.next_due(now_ns) or schedule.next_suspect(now_ns)) is None:
            now_ns += S // 2
        waited.append((now_ns - began) // S)
        disabled = schedule.failed("s", now_ns)
    assert waited == [0, 1, 2, 4]
    assert disabled
    schedule.trigger("A", "market", now_ns + 1000 * S)
    assert schedule.next_due(now_ns + 1000 * S) is None
    assert schedule.next_suspect(now_ns + 1000 * S) is None


def test_a_success_ends_the_rest() -> None:
    schedule = Schedule([spec("s")], max_failures=9)
    schedule.failed("s", 0)
    schedule.failed("s", 0)
    schedule.succeeded("s")
    schedule.trigger("A", "market", 1)
    assert schedule.next_due(1) == Due(A, ["s"])


def test_origins_patterns_and_symbols_together_choose_the_studies() -> None:
    studies = [
        spec("own", origins=["own"]),
        spec("usd", symbols=["*-USD"]),
        spec("pair", together=["A-USD", "B-EUR"]),
    ]
    schedule = Schedule(studies, max_failures=3)
    schedule.trigger("A-USD", "own", 0)
    schedule.trigger("B-EUR", "market", 0)
    schedule.trigger("A-USD", "market", 0)
    found = set()
    while due := schedule.next_due(0):
        found |= {(due.subject, name) for name in due.studies}
    assert found == {
        (Subject("A-USD", "own"), "own"),
        (Subject("A-USD", "market"), "usd"),
        (Subject("A-USD+B-EUR", "market", ("A-USD", "B-EUR")), "pair"),
    }


def test_symbols_that_do_not_trade_any_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.studies.schedule.MAX_REMEMBERED", 100)
    schedule = Schedule([spec("s")], max_failures=3)
    for number in range(1_000):
        schedule.trigger(f"S{number}", "market", number * S)
        assert schedule.next_due(number * S)
    assert len(schedule._ran_ns) <= 100
    assert len(schedule._triggered) <= 100
    assert len(schedule._concerned) <= 100


def test_what_failed_the_last_time_runs_alone() -> None:
    schedule = Schedule([spec("bad"), spec("good")], max_failures=9)
    schedule.trigger("A", "market", 0)
    assert schedule.next_due(0) == Due(A, ["bad", "good"])
    schedule.failed("bad", 0)
    for symbol in "AB":
        schedule.trigger(symbol, "market", 2 * S)
    assert [schedule.next_due(2 * S), schedule.next_due(2 * S), schedule.next_due(2 * S)] == [
        Due(A, ["good"]),
        Due(B, ["good"]),
        None,
    ]
    assert schedule.next_suspect(2 * S) == Due(A, ["bad"])
    schedule.failed("bad", 2 * S)
    assert schedule.next_suspect(3 * S) is None  # it rests, for the other symbol too
    assert schedule.next_suspect(4 * S) == Due(B, ["bad"])


def test_a_suspect_that_succeeds_joins_the_others() -> None:
    schedule = Schedule([spec("bad"), spec("good")], max_failures=9)
    schedule.failed("bad", 0)
    for symbol in "AB":
        schedule.trigger(symbol, "market", 2 * S)
    while schedule.next_due(2 * S):
        pass
    assert schedule.next_suspect(2 * S) == Due(A, ["bad"])
    schedule.succeeded("bad")
    assert schedule.next_suspect(2 * S) is None
    assert schedule.next_due(2 * S) == Due(B, ["bad"])


def test_a_suspect_waits_once_however_often_its_symbol_trades() -> None:
    schedule = Schedule([spec("bad"), spec("good")], max_failures=99)
    schedule.trigger("A", "market", 0)
    for _ in range(20):
        schedule.failed("bad", 0)
    for second in range(200):
        schedule.trigger("A", "market", second * S)
        schedule.next_due(second * S)
        schedule.next_suspect(second * S)
    assert len(schedule._suspects) == 1


def test_a_disabled_study_keeps_no_other_waiting() -> None:
    schedule = Schedule([spec("bad"), spec("good")], max_failures=1)
    schedule.trigger("A", "market", 0)
    assert schedule.next_due(0) == Due(A, ["bad", "good"])
    schedule.trigger("A", "market", 1)  # both wait for their next run
    assert schedule.failed("bad", 1)
    schedule.trigger("A", "market", 2)
    assert schedule.next_due(S) == Due(A, ["good"])
    schedule.trigger("A", "market", S + 1)
    assert schedule.next_due(2 * S) == Due(A, ["good"])
    assert schedule.next_suspect(999 * S) is None


def test_a_symbol_that_trades_all_the_time_waits_once() -> None:
    schedule = Schedule([spec("s"), spec("slow", every_ns=5 * S)], max_failures=3)
    for now_ns in range(1_000):
        schedule.trigger("A", "market", now_ns)
    assert len(schedule._queue) == 1


def test_a_symbol_whose_name_looks_like_two_is_not_two() -> None:
    schedule = Schedule([spec("one"), spec("pair", together=["A", "B"])], max_failures=3)
    schedule.trigger("A+B", "market", 0)
    schedule.trigger("A", "market", 0)
    found = []
    while due := schedule.next_due(0):
        found.append(due)
    assert sorted(found) == [
        Due(Subject("A", "market"), ["one"]),
        Due(Subject("A+B", "market"), ["one"]),
        Due(Subject("A+B", "market", ("A", "B")), ["pair"]),
    ]


def test_several_symbols_whose_names_read_the_same_together_are_not_mixed_up() -> None:
    specs = [spec("one", together=["A+B", "C"]), spec("two", together=["A", "B+C"])]
    schedule = Schedule(specs, max_failures=3)
    schedule.trigger("C", "market", 0)
    schedule.trigger("A", "market", 0)
    assert [schedule.next_due(0), schedule.next_due(0)] == [
        Due(Subject("A+B+C", "market", ("A", "B+C")), ["two"]),
        Due(Subject("A+B+C", "market", ("A+B", "C")), ["one"]),
    ]


def test_a_bracket_in_a_pattern_stands_for_itself() -> None:
    schedule = Schedule([spec("s", symbols=["BTC[1]*"])], max_failures=3)
    schedule.trigger("BTC1-USD", "market", 0)
    assert schedule.next_due(0) is None
    schedule.trigger("BTC[1]-USD", "market", 0)
    assert schedule.next_due(0) == Due(Subject("BTC[1]-USD", "market"), ["s"])
