"""The page's pure pieces: tables, charts, orders, answers, the view."""

from typing import Literal
from uuid import uuid4

import pytest

from tests.helpers.views import (
    NOW_NS,
    S_NS,
    FakeLink,
    bars,
    page_state,
    position,
    snapshot,
    status,
    tape_trade,
)
from tests.helpers.views import desk as desk_state
from ui.bars import Bar
from ui.commands import MAX_COMMANDS
from ui.page.model import orders
from ui.page.model.view import TAPE_TRADES, TREND_POINTS, PageModel
from ui.page.widgets import banner, blotter, charts, reports, tables
from ui.page.widgets.tables import Cell, number, text
from ui.wire import CommandStatus, CommandUpdate, CommandView, History, Problem


def _command(status: CommandStatus = "sent", kind: Literal["trade", "kill_switch"] = "trade") -> CommandView:
    view = CommandView(command_id=uuid4(), kind=kind, symbol="BTC-USD", side="buy", qty=0.25, sent_ns=NOW_NS)
    return view.model_copy(update={"status": status, "engaged": True})


def test_a_quiet_symbol_keeps_its_tape_while_a_busy_one_fills_the_snapshots() -> None:
    model = PageModel()
    quiet = tape_trade("QUIET-USD")
    model.apply(snapshot(1).model_copy(update={"last_trades": [quiet]}), NOW_NS)
    for i in range(1, 41):
        busy = tape_trade().model_copy(update={"applied_ns": NOW_NS + i})
        older = tape_trade().model_copy(update={"applied_ns": NOW_NS + i - 1})
        model.apply(snapshot(1 + i).model_copy(update={"last_trades": [busy, older]}), NOW_NS)
    assert model.view.tapes["QUIET-USD"] == (quiet,)
    tape = model.view.tapes["BTC-USD"]
    assert len(tape) == TAPE_TRADES
    assert [one.applied_ns for one in tape] == sorted({one.applied_ns for one in tape}, reverse=True)
    model.apply(snapshot(1, run="b"), NOW_NS)
    assert "QUIET-USD" not in model.view.tapes


def test_limits_are_told_in_words() -> None:
    assert ("Price band", "± 5 %") in orders.limits(desk_state())


def test_a_table_escapes_what_others_wrote() -> None:
    html = tables.table("x", (text("A"),), [("<script>",), (Cell('"&', "bad", badge=True, title='"'),)], empty="")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert 'title="&quot;"' in html


def test_an_empty_table_says_so_over_all_columns() -> None:
    html = tables.table("x", (text("A"), number("B")), [], empty="Nothing yet.")
    assert 'colspan="2">Nothing yet.' in html


def test_bars_are_grouped_without_losing_volume_or_extremes() -> None:
    seconds = [Bar(i, 10.0 + i, 20.0 + i, 5.0 + i, 11.0 + i, 1.0, 2.0) for i in range(10)]
    first, second = charts.group(seconds, 5)
    assert first == Bar(0, 10.0, 24.0, 5.0, 15.0, 5.0, 10.0)
    assert second == Bar(5, 15.0, 29.0, 10.0, 20.0, 5.0, 10.0)


@pytest.mark.parametrize(("span_s", "step"), [(60, 1), (300, 1), (900, 5), (3_600, 15), (36_000, 60)])
def test_a_chart_has_at_most_three_hundred_points(span_s: int, step: int) -> None:
    assert charts.seconds_a_bar(span_s) == step


def test_the_chart_shows_bought_volume_upwards_and_sold_downwards_without_animation() -> None:
    model = PageModel()
    model.apply(snapshot(), NOW_NS)
    option = charts.price_and_volume(model.view.bars.last("BTC-USD", 60), 60, decimals=2)
    prices, bought, sold = (one["data"] for one in option["series"])
    assert option["animation"] is False
    assert (len(prices), bought[0][1], sold[0][1]) == (60, 1.0, -0.5)
    assert charts.price_and_volume([], 60, decimals=2)["series"][0]["data"] == []


def test_the_trend_has_one_point_a_second_and_begins_anew_with_a_new_run() -> None:
    model = PageModel()
    for i in range(8):
        model.apply(snapshot(i, at_ns=NOW_NS + i * S_NS // 2, applied=100 * i), NOW_NS)
    assert len(model.view.trend) == 4
    assert reports.rate(model.view.trend) == pytest.approx(200.0)
    assert len(charts.trend(model.view.trend)["series"][0]["data"]) == 3
    model.apply(snapshot(0, run="b", at_ns=NOW_NS + 9 * S_NS), NOW_NS)
    assert len(model.view.trend) == 1


def test_trend_and_commands_are_bounded() -> None:
    model = PageModel()
    for i in range(TREND_POINTS + 5):
        model.apply(snapshot(i, at_ns=NOW_NS + i * S_NS, symbols=()), NOW_NS)
    model.apply(CommandUpdate(commands=[_command() for _ in range(MAX_COMMANDS + 5)]), NOW_NS)
    assert (len(model.view.trend), len(model.view.commands)) == (TREND_POINTS, MAX_COMMANDS)


def test_the_view_is_replaced_and_its_version_rises() -> None:
    model = PageModel()
    before = model.view
    after = model.apply(snapshot(), NOW_NS)
    assert (before.snapshot, after.snapshot is None) == (None, False)
    assert model.view is after


def test_commands_are_newest_first_and_change_in_place() -> None:
    model = PageModel()
    first, second = _command(), _command()
    model.apply(CommandUpdate(commands=[first]), NOW_NS)
    model.apply(CommandUpdate(commands=[second]), NOW_NS)
    model.apply(CommandUpdate(commands=[first.model_copy(update={"status": "refused"})]), NOW_NS)
    assert [(one.command_id, one.status) for one in model.view.commands] == [
        (second.command_id, "sent"),
        (first.command_id, "refused"),
    ]


def test_history_of_the_main_process_fills_the_charts_of_a_new_page() -> None:
    model = PageModel()
    model.apply(History(bars=bars(first=1_000, count=300)), NOW_NS)
    assert len(model.view.bars.last("BTC-USD", 3_600)) == 300


def test_the_banner_is_green_only_while_nothing_is_wrong() -> None:
    feed = FakeLink()
    assert "Connecting" in banner.render(feed.view, NOW_NS)
    feed.live()
    assert "Live" in banner.render(feed.view, NOW_NS)
    gone = Problem(code="analytics_away", severity="error", title="Analytics is away", since_ns=NOW_NS)
    feed.model.apply(page_state(problems=[gone]), NOW_NS)
    html = banner.render(feed.view, NOW_NS)
    assert "Live" not in html
    assert "since 22:13:20 UTC" in html
    assert "opacity" in html


def test_every_redraw_has_another_beat_so_that_the_browser_counts_anew() -> None:
    assert "tt-beat-a" in banner.beat(is_odd=True)
    assert "tt-beat-b" in banner.beat(is_odd=False)


def test_a_warning_is_shown_beside_the_green_line() -> None:
    feed = FakeLink().live()
    switch = Problem(code="kill_switch", severity="warning", title="The kill switch is engaged", since_ns=NOW_NS)
    feed.model.apply(page_state(problems=[switch]), NOW_NS)
    html = banner.render(feed.view, NOW_NS)
    assert "kill switch" in html
    assert "Live" in html


def test_a_silent_main_process_is_told_by_the_page_itself() -> None:
    feed = FakeLink().live()
    (problem,) = feed.view.problems(NOW_NS + 2 * S_NS)
    assert (problem.code, problem.since_ns) == ("main_away", NOW_NS)


def test_the_blotter_shows_round_trip_and_reason() -> None:
    feed = FakeLink()
    view = _command("refused").model_copy(update={"reason": "Too <much>.", "answered_after_ns": 1_500_000})
    feed.model.apply(CommandUpdate(commands=[view, _command("accepted", "kill_switch")]), NOW_NS)
    html = blotter.blotter(feed.view)
    assert "Too &lt;much&gt;." in html
    assert ">1.50<" in html
    assert "Kill switch on" in html


def test_positions_have_a_total_when_there_are_several() -> None:
    assert "No positions" in blotter.positions(None)
    held = [position(), position("ETH-USD", qty=-0.5)]
    html = blotter.positions(desk_state(positions=held))
    assert "▼ −0.5000" in html
    assert ">All<" in html
    assert "▲ +100.00" in html


def test_a_ledger_that_does_not_add_up_says_so() -> None:
    model = PageModel()
    model.apply(status(refused=3), NOW_NS)
    assert ">balanced<" in reports.ledger(model.view)
    wrong = status(2).ledger.model_copy(update={"received": 7})
    model.apply(status(2).model_copy(update={"ledger": wrong}), NOW_NS)
    assert "does not add up" in reports.ledger(model.view)


def test_refused_messages_are_shown_by_reason() -> None:
    assert "not json" in reports.refused(status(refused=3))
    assert "Nothing was refused" in reports.refused(status())
    assert "Nothing was refused" in reports.refused(None)
