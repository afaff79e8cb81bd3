"""The runs and the desk after restarts, crashes, power cuts, and of versions before there was a log."""

import json
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from ingest.checking.chunks import ChunkBuilder
from ingest.checking.sequences import SequenceTracker
from ingest.desk.desk import Desk
from ingest.desk.limits import DeskLimits
from ingest.desk.profit_curve import EVERY_S, POINTS
from ingest.feeds.sim_orders import SimOrdersFeed
from ingest.feeds.uri import open_feed, parse_feed
from ingest.storage.earlier_files import EarlierFiles
from ingest.storage.journal import Journal, bots_with_orders
from ingest.storage.log.group_commit import GroupCommit
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime.fakes import FakeClock
from telemetry_schema import CancelOrder, KillSwitch, Position, Trade, TradeCommand

NOW_NS = 1_700_000_000_000_000_000
LIMITS = DeskLimits(max_qty=10.0, max_notional=5_000.0, price_band_ratio=0.05, max_commands_per_s=30.0)


class Ingest:
    """One process of ingest, as far as it remembers."""

    def __init__(self, directory: Path, *, boot: str = "boot 1", kill_switch: bool = False, max_runs: int = 10) -> None:
        self.log = SegmentLog(directory / "log", new_stream="s", now_ns=NOW_NS, max_bytes=1 << 30)
        self.sequences = SequenceTracker(max_runs=max_runs, max_sources=10)
        self.sequences.tick(NOW_NS, NOW_NS)
        self.desk = Desk(LIMITS, account="paper", kill_switch=kill_switch)
        self.writer = GroupCommit(self.log, clock=FakeClock(NOW_NS))
        feed = open_feed(parse_feed("sim-orders://bot-1"), FakeClock(NOW_NS), Random(1))  # noqa: S311 - a simulation
        assert isinstance(feed, SimOrdersFeed)
        self.bot = feed
        self.journal = Journal(self.writer, self.sequences, self.desk, boot=boot, bots=[self.bot])
        self.journal.restore(EarlierFiles(directory))
        builder = ChunkBuilder()
        price = Trade(source="sim", symbol="A", side="buy", qty=1.0, price=100.0, event_ns=NOW_NS, sent_ns=NOW_NS)
        builder.add_trades([price], NOW_NS)
        self.desk.last_prices.note(builder.chunks(), NOW_NS)

    def see(self, seq: int, count: int = 1) -> None:
        """A burst with trades of a run."""
        self.sequences.observe("bot", "r", seq, count, (NOW_NS, NOW_NS, NOW_NS))
        self.journal.record()

    def bot_says(self, event: str, order_id: str, **fields: float) -> None:
        """A burst with an event of an order of the simulated bot."""
        terms = {"account": "bot-1", "strategy": "maker", "venue": "sim", "symbol": "A", "side": "buy", "qty": 2.0}
        self.bot.open_orders.note({"event": event, "order_id": order_id, **terms, **fields})
        self.journal.record()

    def order(self, command: TradeCommand) -> str:
        """A burst with an order; the outcome."""
        decision = self.desk.decide(command, NOW_NS, NOW_NS)
        if decision.outcome != "duplicate":
            self.desk.history.note(command, decision.result, 1)
        self.journal.record()
        return decision.outcome

    def remembered(self) -> list[tuple[float, str]]:
        """Quantity and status of the orders that the page is sent."""
        found = self.desk.history.message(0).commands
        return [(one.command.qty, one.result.status) for one in found if isinstance(one.command, TradeCommand)]

    @property
    def missing(self) -> tuple[int, int, int]:
        """Trades lost, unaccounted, duplicate."""
        counts = self.sequences.sources.get("bot")
        return (counts.lost, counts.unaccounted, counts.duplicate) if counts else (0, 0, 0)


def _order(qty: float = 1.0) -> TradeCommand:
    return TradeCommand(command_id=uuid4(), source="ui", symbol="A", side="buy", qty=qty, sent_ns=NOW_NS)


def _resting(price: float = 99.0) -> TradeCommand:
    return _order().model_copy(update={"price": price, "tif": "gtc"})


def _switch(*, engaged: bool) -> KillSwitch:
    return KillSwitch(command_id=uuid4(), source="ui", engaged=engaged, sent_ns=NOW_NS)


def test_after_a_killed_process_the_numbers_are_exact(tmp_path: Path) -> None:
    Ingest(tmp_path).see(0, 10)
    again = Ingest(tmp_path)
    again.see(8, 2)
    again.see(12)
    assert again.missing == (2, 0, 2)


def test_of_4096_runs_only_those_that_moved_are_written_again(tmp_path: Path) -> None:
    """Writing all of them held up the event loop for 12 to 57 ms, each second."""
    ingest = Ingest(tmp_path, max_runs=4_096)
    for number in range(4_096):
        ingest.sequences.observe(f"pod-{number}", "r", 0, 1, (NOW_NS, NOW_NS, NOW_NS))
    ingest.journal.record()
    before_bytes = _size_bytes(tmp_path)

    ingest.sequences.observe("pod-77", "r", 1, 1, (NOW_NS, NOW_NS, NOW_NS))
    ingest.journal.record()

    assert 0 < _size_bytes(tmp_path) - before_bytes < 1_000


def _size_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_after_a_power_cut_what_is_missing_is_unaccounted_not_lost(tmp_path: Path) -> None:
    Ingest(tmp_path).see(0, 10)
    with capture_logs() as logs:
        again = Ingest(tmp_path, boot="boot 2")
    again.see(15)
    assert again.missing == (0, 5, 0)
    assert [line["event"] for line in logs] == ["runs_unsure"]


def test_after_a_clean_stop_they_are_exact_also_on_another_boot(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.see(0, 10)
    before.journal.close()
    again = Ingest(tmp_path, boot="boot 2")
    again.see(12)
    assert again.missing == (2, 0, 0)


def test_a_crash_right_after_a_start_on_another_boot_is_still_a_crash(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.see(0, 10)
    before.journal.close()
    Ingest(tmp_path, boot="boot 2")
    again = Ingest(tmp_path, boot="boot 3")
    again.see(12)
    assert again.missing == (0, 2, 0)


def test_that_a_power_cut_may_have_taken_runs_is_known_until_a_clean_stop(tmp_path: Path) -> None:
    assert not Ingest(tmp_path).sequences.lacks_runs
    assert not Ingest(tmp_path).sequences.lacks_runs
    assert Ingest(tmp_path, boot="boot 2").sequences.lacks_runs
    killed = Ingest(tmp_path, boot="boot 2")
    assert killed.sequences.lacks_runs
    killed.journal.close()
    assert not Ingest(tmp_path, boot="boot 3").sequences.lacks_runs


def test_a_log_that_was_cut_makes_the_numbers_unsure(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.see(0, 10)
    before.see(10, 10)
    path = max((tmp_path / "log").glob("*.segment"))
    path.write_bytes(path.read_bytes()[:-1])
    again = Ingest(tmp_path)
    again.see(20)
    assert again.missing == (0, 10, 0)


def test_a_run_that_was_forgotten_is_not_known_after_a_restart_either(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.see(0, 10)
    for number in range(20):
        before.sequences.observe(f"other-{number}", "r", 0, 1, (NOW_NS, NOW_NS, NOW_NS))
    before.journal.record()
    again = Ingest(tmp_path)
    again.see(50)
    assert again.missing == (0, 0, 0)


def test_positions_kill_switch_and_answers_survive_a_killed_process(tmp_path: Path) -> None:
    order, before = _order(3.0), Ingest(tmp_path)
    assert before.order(order) == "accepted"
    before.desk.decide(_switch(engaged=True), NOW_NS, NOW_NS)
    before.journal.record()
    again = Ingest(tmp_path)
    assert [(one.symbol, one.qty) for one in again.desk.state().positions] == [("A", 3.0)]
    assert again.desk.kill_switch
    assert again.order(order) == "duplicate"


def test_the_last_commands_survive_a_killed_process_and_a_clean_stop(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.order(_order(3.0))
    before.order(_order(1e6))
    again = Ingest(tmp_path)
    assert again.remembered() == [(3.0, "accepted"), (1e6, "refused")]
    again.order(_order(2.0))
    again.journal.close()
    assert sorted(Ingest(tmp_path).remembered()) == [(2.0, "accepted"), (3.0, "accepted"), (1e6, "refused")]


def test_a_command_that_cannot_be_read_back_is_left_out_and_stops_nothing(tmp_path: Path) -> None:
    before = Ingest(tmp_path)
    before.order(_order(3.0))
    before.order(_order(2.0))
    before.writer.set_state({"command accepted 0": b"{"})
    before.writer.append()
    with capture_logs() as logs:
        again = Ingest(tmp_path)
    assert again.remembered() == [(2.0, "accepted")]
    assert not again.desk.kill_switch
    assert [line["event"] for line in logs] == ["commands_unreadable"]


def test_a_kill_switch_that_the_settings_engage_stays_engaged(tmp_path: Path) -> None:
    Ingest(tmp_path).order(_order())
    assert Ingest(tmp_path, kill_switch=True).desk.kill_switch


def test_a_log_that_cannot_be_read_at_all_engages_the_kill_switch(tmp_path: Path) -> None:
    Ingest(tmp_path).order(_order())
    for path in (tmp_path / "log").glob("*.segment"):
        path.write_bytes(b"garbage")
    with capture_logs() as logs:
        again = Ingest(tmp_path)
    assert again.desk.kill_switch
    assert {"log_segment_unreadable", "desk_unreadable"} <= {line["event"] for line in logs}


# The files as version 0.1.0 wrote them.
RUNS = {
    "clean": True,
    "runs": [{"source": "bot", "run": "r", "next_seq": 10, "last_ns": NOW_NS, "unsure": False}],
}
DESK = {"kill_switch": False, "holdings": {"A": [3.0, 99.5, 0.25]}, "answers": []}


def test_lines_of_the_audit_are_kept_until_they_are_written_whatever_overlaps(tmp_path: Path) -> None:
    first = Ingest(tmp_path)
    first.journal.note_unaudited([b"one\n", b"two\n"])
    first.journal.record()
    first.journal.note_unaudited([b"three\n"])
    first.journal.record()
    first.journal.note_audited([b"one\n", b"two\n"])
    first.see(0)
    second = Ingest(tmp_path)
    assert second.journal.unaudited == [b"three\n"]
    second.see(1)
    third = Ingest(tmp_path)  # killed in the middle of its start: again
    assert third.journal.unaudited == [b"three\n"]
    third.journal.note_audited(third.journal.unaudited)
    third.see(2)
    assert Ingest(tmp_path).journal.unaudited == []


def test_the_files_of_versions_without_a_log_are_taken_over_once(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text(json.dumps(RUNS))
    (tmp_path / "desk.json").write_text(json.dumps(DESK))
    first = Ingest(tmp_path)
    first.see(12)
    assert first.missing == (2, 0, 0)
    assert [(one.symbol, one.qty) for one in first.desk.state().positions] == [("A", 3.0)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk.json.old", "log", "runs.json.old"]
    second = Ingest(tmp_path)
    second.see(14)
    assert second.missing == (1, 0, 0)
    assert [one.qty for one in second.desk.state().positions] == [3.0]


def test_runs_of_a_version_without_a_log_that_was_killed_are_unsure(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text(json.dumps(RUNS | {"clean": False}))
    ingest = Ingest(tmp_path)
    ingest.see(12)
    assert ingest.missing == (0, 2, 0)


@pytest.mark.parametrize("content", ["{", "", "[]"])
def test_files_that_cannot_be_read_are_said_to_be_and_engage_the_kill_switch(tmp_path: Path, content: str) -> None:
    for name in ("runs.json", "desk.json"):
        (tmp_path / name).write_text(content)
    with capture_logs() as logs:
        ingest = Ingest(tmp_path)
    assert ingest.desk.kill_switch
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["file_unreadable"] * 2
    assert (tmp_path / "desk.json.old").read_text() == content


def test_orders_rest_on_after_a_killed_process_and_those_that_ended_do_not_come_back(tmp_path: Path) -> None:
    before, stays, goes = Ingest(tmp_path), _resting(98.0), _resting(99.0)
    before.order(stays)
    before.order(goes)
    cancel = CancelOrder(command_id=uuid4(), source="ui", order_id=goes.command_id, sent_ns=NOW_NS)
    before.desk.execute([cancel], NOW_NS, NOW_NS)
    before.journal.record()
    again = Ingest(tmp_path)
    assert [(one.command, one.price) for one in again.desk.open_orders.all()] == [(stays, 98.0)]
    assert again.order(stays) == "duplicate"


def test_of_many_resting_orders_only_the_one_that_changed_is_written_again(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    for _ in range(100):
        ingest.desk.open_orders.add(_resting(), 99.0, NOW_NS, NOW_NS)
    ingest.journal.record()
    before_bytes = _size_bytes(tmp_path)
    ingest.desk.open_orders.update(ingest.desk.open_orders.all()[7].filled_by(0.5))
    ingest.journal.record()
    assert 0 < _size_bytes(tmp_path) - before_bytes < 1_000
    assert Ingest(tmp_path).desk.open_orders.all()[7].filled_qty == 0.5


def test_a_resting_order_that_cannot_be_read_rests_no_more_and_the_others_do(tmp_path: Path) -> None:
    before, good = Ingest(tmp_path), _resting()
    before.order(good)
    before.writer.set_state({"order damaged": b"{"})
    before.writer.append()
    with capture_logs() as logs:
        again = Ingest(tmp_path)
    assert [line["event"] for line in logs] == ["open_order_unreadable"]
    assert [one.command for one in again.desk.open_orders.all()] == [good]
    with capture_logs() as logs:
        Ingest(tmp_path)
    assert logs == []


def test_the_curve_of_the_profit_goes_on_after_a_restart_and_takes_an_hour_of_the_log(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    held = [Position(symbol="A", qty=1.0, realised=3.0, unrealised=1.0)]
    for second in range(0, 3 * POINTS * EVERY_S, EVERY_S):
        ingest.desk.profit_curve.note(held, second)
        ingest.journal.record()
    before = ingest.desk.profit_curve.message()
    assert sum(key.startswith("profit ") for key in ingest.log.state()) == POINTS
    ingest.writer.set_state({"profit 7": b"\xc1"})
    ingest.writer.append()
    with capture_logs() as logs:
        again = Ingest(tmp_path)
    assert [line["event"] for line in logs] == ["profit_unreadable"]
    after = again.desk.profit_curve.message()
    assert len(after.second) == POINTS - 1
    assert {*after.second} < {*before.second}
    again.desk.profit_curve.note(held, before.second[-1] + EVERY_S)
    assert again.desk.profit_curve.message().second[-1] == before.second[-1] + EVERY_S


def test_a_curve_that_was_interrupted_for_days_begins_with_the_newest_hour(tmp_path: Path) -> None:
    held = [Position(symbol="A", qty=1.0, realised=3.0, unrealised=1.0)]
    for second in (1_000, 1_000_000, 1_000_005):
        ingest = Ingest(tmp_path)
        ingest.desk.profit_curve.note(held, second)
        ingest.journal.record()
    assert Ingest(tmp_path).desk.profit_curve.message().second == [1_000_000, 1_000_005]


def test_a_point_of_a_clock_that_was_ahead_does_not_take_the_curve_with_it_at_the_next_start(tmp_path: Path) -> None:
    held = [Position(symbol="A", qty=1.0, realised=3.0, unrealised=1.0)]
    ingest = Ingest(tmp_path)
    for second in (1_000, 1_005, 90_000, 1_010):
        ingest.desk.profit_curve.note(held, second)
        ingest.journal.record()
    assert Ingest(tmp_path).desk.profit_curve.message().second == [1_000, 1_005, 1_010]


def test_a_simulated_bot_finds_its_open_orders_after_a_killed_process_and_a_clean_stop(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    for order_id in ("filled", "partly", "cancelled"):
        ingest.bot_says("submit", order_id)
    ingest.bot_says("fill", "filled", cum_qty=2.0)
    ingest.bot_says("fill", "partly", cum_qty=0.5)
    ingest.bot_says("cancel", "cancelled")
    again = Ingest(tmp_path)
    assert [(one.order_id, one.cum_qty) for one in again.bot.open_orders.all()] == [("partly", 0.5)]
    again.journal.close()
    last = Ingest(tmp_path)
    assert [one.order_id for one in last.bot.open_orders.all()] == ["partly"]
    last.bot_says("cancel", "partly")
    assert Ingest(tmp_path).bot.open_orders.all() == []


def test_the_bots_that_have_orders_are_known_by_the_state_of_the_log(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    assert bots_with_orders(ingest.log.state()) == []
    for order_id in ("o-1", "o-2"):
        ingest.bot_says("submit", order_id)
    assert bots_with_orders(Ingest(tmp_path).log.state()) == ["sim-orders://bot-1"]
    for order_id in ("o-1", "o-2"):
        ingest.bot_says("cancel", order_id)
    assert bots_with_orders(ingest.log.state()) == []


def test_an_order_of_a_simulated_bot_that_cannot_be_read_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    ingest.bot_says("submit", "good")
    ingest.writer.set_state({"bot order sim-orders://bot-1\x1fbad": b"{"})
    ingest.journal.record()
    with capture_logs() as logs:
        again = Ingest(tmp_path)
    assert [line["event"] for line in logs] == ["bot_order_unreadable"]
    assert [one.order_id for one in again.bot.open_orders.all()] == ["good"]
    with capture_logs() as logs:
        Ingest(tmp_path)
    assert logs == []
