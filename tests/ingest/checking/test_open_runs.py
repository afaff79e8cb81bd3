"""Runs that go silent without their end are unfinished, and no others."""

import pytest

from ingest.checking.checker import Checker
from ingest.checking.open_runs import SHOWN_FOR_S, OpenRuns
from ingest.checking.run_window import MAX_JUMP_TRADES, NEAR_TRADES
from ingest.checking.sequences import RunKey, SequenceTracker
from telemetry_runtime.fakes import burst_of
from telemetry_schema import LAST_NS
from tests.helpers.trades import NOW_NS, columns, frame, trade

S = 1_000_000_000


class Rig:
    """A checker, and time that passes a second at a step."""

    def __init__(self, max_runs: int = 99) -> None:
        self.ended: list[RunKey] = []
        self.sequences = SequenceTracker(max_runs=100, max_sources=10)
        self.open_runs = OpenRuns(
            unfinished_after_s=30,
            on_unfinished=lambda *key: self.ended.append(key),
            max_runs=max_runs,
        )
        self.checker = Checker(self.sequences, max_ahead_ns=5 * S, open_runs=self.open_runs)
        self.monotonic_ns = 0
        self.wait(0)

    def send(self, **fields: object) -> str:
        """The outcome of one message."""
        return self.send_frame(frame({"source": "bot", "run": "r", "sent_ns": NOW_NS} | fields))

    def send_frame(self, data: bytes) -> str:
        tally = self.checker.check(burst_of(data), NOW_NS).tally.by_outcome()
        return next(outcome for outcome, count in tally.items() if count)

    def alive(self, next_seq: int, **fields: object) -> str:
        return self.send(type="alive", next_seq=next_seq, **fields)

    def end(self, next_seq: int, **fields: object) -> str:
        return self.send(type="end", next_seq=next_seq, **fields)

    def trade(self, seq: int) -> str:
        return self.send_frame(frame(trade(run="r", seq=seq)))

    def lost(self) -> int:
        counts = self.sequences.sources.get("bot")
        return counts.lost if counts else 0

    def wait(self, seconds: int, *, is_reading: bool = True) -> None:
        for _ in range(seconds or 1):
            self.monotonic_ns += S
            self.checker.tick(NOW_NS, self.monotonic_ns, is_reading=is_reading)


def test_a_run_that_was_alive_and_goes_silent_is_unfinished() -> None:
    rig = Rig()
    rig.trade(0)
    assert rig.alive(1) == "accepted"
    rig.wait(30)
    assert not rig.open_runs.unfinished
    rig.wait(2)
    assert rig.open_runs.unfinished == {"bot": 1}
    assert rig.ended == [("bot", "r")]


def test_a_run_that_ends_is_not_unfinished_however_long_it_is_silent() -> None:
    rig = Rig()
    rig.alive(0)
    assert rig.end(0) == "accepted"
    rig.wait(100)
    assert not rig.open_runs.unfinished


def test_a_sender_that_never_reports_is_never_unfinished() -> None:
    rig = Rig()
    rig.trade(0)
    rig.wait(1000)
    assert not rig.open_runs.unfinished


@pytest.mark.parametrize("what", ["alive", "trade", "columns"])
def test_a_run_that_is_heard_of_is_not_unfinished(what: str) -> None:
    rig = Rig()
    rig.alive(0)
    for seq in range(10):
        rig.wait(29)
        if what == "alive":
            rig.alive(0)
        elif what == "trade":
            rig.trade(seq)
        else:
            rig.send_frame(frame(columns(1, run="r", seq=seq)))
    assert not rig.open_runs.unfinished


def test_an_unfinished_run_that_goes_on_is_unfinished_no_longer_and_may_be_so_again() -> None:
    rig = Rig()
    rig.alive(0)
    rig.wait(40)
    rig.trade(0)
    rig.wait(2)
    assert not rig.open_runs.unfinished
    rig.wait(40)
    assert rig.open_runs.unfinished == {"bot": 1}
    rig.end(1)
    assert not rig.open_runs.unfinished


def test_two_unfinished_runs_of_a_source_are_two() -> None:
    rig = Rig()
    rig.alive(0)
    rig.alive(0, run="other")
    rig.wait(40)
    assert rig.open_runs.unfinished == {"bot": 2}
    rig.end(0)
    assert rig.open_runs.unfinished == {"bot": 1}


def test_an_unfinished_run_is_not_shown_for_ever() -> None:
    rig = Rig()
    rig.alive(0)
    rig.wait(40 + round(SHOWN_FOR_S))
    assert not rig.open_runs.unfinished


def test_while_ingest_does_not_read_nobody_is_silent() -> None:
    rig = Rig()
    rig.alive(0)
    rig.wait(1000, is_reading=False)
    rig.wait(20)
    assert not rig.open_runs.unfinished


def test_a_step_of_the_clock_is_no_silence() -> None:
    rig = Rig()
    rig.alive(0)
    rig.wait(2)
    rig.monotonic_ns += 600 * S
    rig.wait(20)
    assert not rig.open_runs.unfinished


def test_a_flood_of_runs_is_bounded() -> None:
    rig = Rig(max_runs=10)
    for number in range(1000):
        rig.alive(0, run=f"r{number}", source=f"bot{number}")
    rig.wait(40)
    assert sum(rig.open_runs.unfinished.values()) == 10


@pytest.mark.parametrize("what", ["alive", "end"])
def test_what_a_sender_says_it_has_sent_and_did_not_come_is_lost(what: str) -> None:
    rig = Rig()
    rig.trade(0)
    rig.send(type=what, next_seq=8)
    assert rig.lost() == 7
    rig.send(type=what, next_seq=8)
    assert rig.lost() == 7
    assert rig.trade(3) == "accepted"
    assert rig.lost() == 6


def test_a_large_loss_is_believed_at_the_end_of_a_run_only() -> None:
    rig = Rig()
    rig.trade(0)
    rig.alive(1_000_000)
    assert rig.lost() == 0
    rig.end(1_000_000)
    assert rig.lost() == 999_999


def test_an_end_confirms_the_jump_before_it() -> None:
    rig = Rig()
    rig.trade(0)
    assert rig.trade(10 * NEAR_TRADES) == "accepted"
    rig.end(10 * NEAR_TRADES + 1)
    assert rig.lost() == 10 * NEAR_TRADES - 1


@pytest.mark.parametrize("next_seq", [0, 1, LAST_NS, MAX_JUMP_TRADES + 10])
def test_a_number_that_cannot_be_moves_nothing(next_seq: int) -> None:
    rig = Rig()
    rig.trade(0)
    rig.trade(1)
    rig.alive(next_seq)
    rig.end(next_seq)
    assert rig.lost() == 0
    assert rig.trade(2) == "accepted"
    assert rig.lost() == 0


def test_a_run_is_joined_where_it_says_it_is() -> None:
    rig = Rig()
    rig.alive(5)
    assert rig.lost() == 0
    rig.trade(7)
    assert rig.lost() == 2


def test_a_late_trade_after_the_end_still_counts() -> None:
    rig = Rig()
    rig.trade(0)
    rig.end(2)
    assert rig.trade(1) == "accepted"
    assert rig.trade(1) == "duplicate"
    assert rig.lost() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"sent_ns": NOW_NS + 60 * S},
        {"sent_ns": NOW_NS - 2 * 86_400 * S},
        {"run": None},
        {"next_seq": -1},
        {"source": ""},
    ],
    ids=str,
)
def test_a_report_that_is_not_valid_is_refused_and_opens_nothing(fields: dict[str, object]) -> None:
    rig = Rig()
    assert rig.send(**{"type": "alive", "next_seq": 0} | fields) == "refused"
    rig.wait(40)
    assert not rig.open_runs.unfinished
