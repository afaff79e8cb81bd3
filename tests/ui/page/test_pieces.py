"""The page's pure pieces: tables, charts, orders, answers, the view."""

import csv
import io
from datetime import UTC
from typing import Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from telemetry_schema import ProfitHistory, SourceRefusals, SourceSkew, SourceState, StageLatency
from tests.helpers.views import (
    NOW_NS,
    S_NS,
    FakeLink,
    at,
    bars,
    page_state,
    position,
    snapshot,
    status,
    summary,
    tape_trade,
)
from tests.helpers.views import desk as desk_state
from ui.bars import Bar
from ui.commands import MAX_COMMANDS
from ui.page.model import orders
from ui.page.model.selection import Selection
from ui.page.model.view import TAPE_TRADES, TREND_POINTS, PageModel, TapeLine
from ui.page.views import market
from ui.page.widgets import account, banner, blotter, charts, reports, tables
from ui.page.widgets.tables import Cell, Row, number, text
from ui.wire import CommandStatus, CommandUpdate, CommandView, Condition, History, Problem


def test_a_page_that_starts_anew_has_the_profit_from_before_and_keeps_what_a_restarted_ingest_forgot() -> None:
    model, second = PageModel(), NOW_NS // S_NS
    model.apply(ProfitHistory(second=[second - 20, second - 10], profit=[1.0, 2.0]), at(NOW_NS))
    model.apply(status(desk_state=desk_state(positions=[position()])), at(NOW_NS))
    assert model.view.equity == ((second - 20, 1.0), (second - 10, 2.0), (second, 47.0))
    model.apply(ProfitHistory(second=[second + 5], profit=[4.0]), at(NOW_NS))
    assert [profit for _, profit in model.view.equity] == [1.0, 2.0, 47.0, 4.0]
    model.apply(ProfitHistory(second=[], profit=[]), at(NOW_NS))
    assert len(model.view.equity) == 4


def _command(status: CommandStatus = "sent", kind: Literal["trade", "kill_switch"] = "trade") -> CommandView:
    view = CommandView(command_id=uuid4(), kind=kind, symbol="BTC-USD", side="buy", qty=0.25, sent_ns=NOW_NS)
    return view.model_copy(update={"status": status, "engaged": True})


def test_every_symbol_of_a_snapshot_keeps_its_tape_and_its_bars() -> None:
    symbols = [f"S{i:03}" for i in range(257)]
    model = PageModel()
    for i in range(3):
        trades = [tape_trade(one).model_copy(update={"applied_ns": NOW_NS + i}) for one in symbols]
        recent = [bars(one, first=1_000 + i, count=1) for one in symbols]
        news = {"last_trades": trades, "recent_bars": recent}
        model.apply(snapshot(i + 1, symbols=symbols).model_copy(update=news), at(NOW_NS + i))
    assert {len(model.view.tapes[one]) for one in symbols} == {3}
    assert {len(model.view.bars.last(one, 60)) for one in symbols} == {3}


def test_a_quiet_symbol_keeps_its_tape_while_a_busy_one_fills_the_snapshots() -> None:
    model = PageModel()
    quiet = tape_trade("QUIET-USD")
    model.apply(snapshot(1).model_copy(update={"last_trades": [quiet]}), at(NOW_NS))
    for i in range(1, 41):
        busy = tape_trade().model_copy(update={"applied_ns": NOW_NS + i})
        older = tape_trade().model_copy(update={"applied_ns": NOW_NS + i - 1})
        model.apply(snapshot(1 + i).model_copy(update={"last_trades": [busy, older]}), at(NOW_NS))
    assert model.view.tapes["QUIET-USD"] == (TapeLine(0, quiet),)
    tape = model.view.tapes["BTC-USD"]
    assert len(tape) == TAPE_TRADES
    assert [one.trade.applied_ns for one in tape] == sorted({one.trade.applied_ns for one in tape}, reverse=True)
    model.apply(snapshot(1, run="b"), at(NOW_NS))
    assert "QUIET-USD" not in model.view.tapes


def test_limits_are_said_in_words() -> None:
    assert ("Price band", "± 5 %") in orders.limits(desk_state())


def test_a_tables_cells_are_plain_text_unless_they_have_a_tone() -> None:
    row = Row("a", ("<b>", Cell("x"), Cell("y", "bad", badge=True, title="why")))
    part = tables.table("T", (text("A"), text("B"), number("C", "c")), [row], empty="Nothing yet.", sort="-c")
    assert part["rows"] == [["a", ["<b>", "x", ["y", "bad", 1, "why"]], False]]
    assert part["columns"][2] == ["C", "tt-num", "c", "descending"]
    assert part["empty"] == "Nothing yet."


@pytest.mark.parametrize(
    ("value", "written", "tone"), [(0.0, "0.00 %", "muted"), (-0.00001, "0.00 %", "muted"), (1, "+1", "up")]
)
def test_what_is_written_as_nothing_has_no_direction(value: float, written: str, tone: str) -> None:
    assert tables.signed(value, written).tone == tone


def test_bars_are_grouped_without_losing_volume_or_extremes() -> None:
    seconds = [Bar(i, 10.0 + i, 20.0 + i, 5.0 + i, 11.0 + i, 1.0, 2.0) for i in range(10)]
    first, second = charts.group(seconds, 5)
    assert first == Bar(0, 10.0, 24.0, 5.0, 15.0, 5.0, 10.0)
    assert second == Bar(5, 15.0, 29.0, 10.0, 20.0, 5.0, 10.0)


@pytest.mark.parametrize(("span_s", "step"), [(60, 1), (300, 1), (900, 5), (3_600, 15), (36_000, 60)])
def test_a_chart_has_at_most_three_hundred_points(span_s: int, step: int) -> None:
    assert charts.seconds_a_bar(span_s) == step


def _chart(model: PageModel) -> dict[str, Any]:
    return charts.candles(model.view, Selection(symbol="BTC-USD"), UTC)


def test_the_chart_has_a_candle_a_second_and_the_last_price_with_its_digits() -> None:
    model = PageModel()
    model.apply(snapshot(), at(NOW_NS))
    part = _chart(model)
    assert (len(part["bars"]), part["bars"][0][1:], part["last"], part["digits"]) == (
        60,
        [60_000.0, 60_001.0, 59_999.0, 60_000.0, 1.0, 0.5],
        60_060.0,
        2,
    )
    assert charts.candles(PageModel().view, Selection(), UTC)["bars"] == []


def test_the_chart_ends_now_also_when_the_last_trade_is_long_ago() -> None:
    model = PageModel()
    model.apply(snapshot(at_ns=NOW_NS + 30 * S_NS), at(NOW_NS))
    part = _chart(model)
    assert part["end"] == NOW_NS // S_NS + 30
    assert part["bars"][0][0] == part["end"] - 60


@pytest.mark.parametrize("price", [0.079467, 0.00000123, 0.0000000042, 996_455_677.0])
def test_a_price_of_any_size_reaches_the_chart_with_all_its_digits(price: float) -> None:
    model = PageModel()
    small = bars().model_copy(update={name: [price] * 60 for name in ("open", "high", "low", "close")})
    latest = snapshot().model_copy(update={"symbols": [summary(last_price=price)], "recent_bars": [small]})
    model.apply(latest, at(NOW_NS))
    part = _chart(model)
    assert part["bars"][0][4] == part["last"] == price
    assert f"{price:.{part['digits']}f}" != f"{price * 1.00001:.{part['digits']}f}"


def test_own_fills_are_marks_on_the_chart() -> None:
    model = PageModel()
    model.apply(snapshot(), at(NOW_NS))
    filled = _command("applied").model_copy(update={"filled_price": 60_050.0})
    other = filled.model_copy(update={"command_id": uuid4(), "symbol": "ETH-USD"})
    model.apply(CommandUpdate(commands=[filled, other, _command("refused")]), at(NOW_NS))
    assert _chart(model)["marks"] == [[NOW_NS // S_NS, 60_050.0, "buy", "0.25"]]


def test_the_trend_has_one_point_a_second_and_begins_anew_with_a_new_run() -> None:
    model = PageModel()
    for i in range(8):
        model.apply(snapshot(i, at_ns=NOW_NS + i * S_NS // 2, applied=100 * i), at(NOW_NS))
    assert len(model.view.trend) == 4
    assert reports.rate(model.view.trend) == pytest.approx(200.0)
    part = charts.trend(model.view.trend, UTC, longest_ns=None)
    assert part["strips"][0]["lines"][0][2] == [None, 200.0, 200.0, 200.0]
    model.apply(snapshot(0, run="b", at_ns=NOW_NS + 9 * S_NS), at(NOW_NS))
    assert len(model.view.trend) == 1


def test_trend_and_commands_are_bounded() -> None:
    model = PageModel()
    for i in range(TREND_POINTS + 5):
        model.apply(snapshot(i, at_ns=NOW_NS + i * S_NS, symbols=()), at(NOW_NS))
    model.apply(CommandUpdate(commands=[_command() for _ in range(MAX_COMMANDS + 5)]), at(NOW_NS))
    assert (len(model.view.trend), len(model.view.commands)) == (TREND_POINTS, MAX_COMMANDS)


def test_the_view_is_replaced_and_its_version_rises() -> None:
    model = PageModel()
    before = model.view
    after = model.apply(snapshot(), at(NOW_NS))
    assert (before.snapshot, after.snapshot is None) == (None, False)
    assert model.view is after


def test_commands_are_newest_first_and_change_in_place() -> None:
    model = PageModel()
    first, second = _command(), _command()
    model.apply(CommandUpdate(commands=[first]), at(NOW_NS))
    model.apply(CommandUpdate(commands=[second]), at(NOW_NS))
    model.apply(CommandUpdate(commands=[first.model_copy(update={"status": "refused"})]), at(NOW_NS))
    assert [(one.command_id, one.status) for one in model.view.commands] == [
        (second.command_id, "sent"),
        (first.command_id, "refused"),
    ]


def test_history_of_the_main_process_fills_the_charts_of_a_new_page() -> None:
    model = PageModel()
    model.apply(History(bars=bars(first=1_000, count=300)), at(NOW_NS))
    assert len(model.view.bars.last("BTC-USD", 3_600)) == 300


def _banner(link: FakeLink, now_ns: int = NOW_NS) -> dict[str, Any]:
    return banner.part(link.view, at(now_ns), UTC)


def test_the_banner_is_live_only_while_nothing_is_wrong() -> None:
    link = FakeLink()
    assert "Connecting" in _banner(link)["word"]
    link.live()
    assert _banner(link)["word"] == "Live"
    gone = Problem(code="analytics_away", severity="error", title="Analytics is away", since_ns=NOW_NS)
    link.model.apply(page_state(problems=[gone], condition="away"), at(NOW_NS))
    part = _banner(link)
    assert (part["word"], part["faded"], part["lines"][0]["since"]) == ("Away", True, "22:13:20 UTC")


@pytest.mark.parametrize(("condition", "word"), [("idle", "Idle"), ("degraded", "Degraded")])
def test_what_is_not_well_is_not_called_live(condition: Condition, word: str) -> None:
    link = FakeLink().live()
    link.model.apply(page_state(condition=condition), at(NOW_NS))
    assert (_banner(link)["word"], _banner(link)["faded"]) == (word, False)


def test_a_silent_main_process_is_reported_by_the_page_itself() -> None:
    feed = FakeLink().live()
    (problem,) = feed.view.problems(at(NOW_NS + 2 * S_NS))
    assert (problem.code, problem.since_ns) == ("main_away", NOW_NS)


def _texts(part: dict[str, Any]) -> list[str]:
    """All that a table says."""
    cells = [cell for row in part["rows"] for cell in row[1]]
    return [cell if isinstance(cell, str) else cell[0] for cell in cells] or [part["empty"]]


def test_the_blotter_shows_round_trip_reason_and_who_sent_it() -> None:
    link = FakeLink()
    view = _command("refused").model_copy(
        update={"reason": "Too <much>.", "answered_after_ns": 1_500_000, "source": "desk-7"}
    )
    link.model.apply(CommandUpdate(commands=[view, _command("accepted", "kill_switch")]), at(NOW_NS))
    said = _texts(blotter.part(link.view, Selection(), at(NOW_NS), UTC))
    assert {"Too <much>.", "1.50", "Kill switch on", "desk-7"} <= set(said)


def test_the_blotter_is_filtered_and_shown_in_pages() -> None:
    model = PageModel()
    model.apply(CommandUpdate(commands=[_command("applied") for _ in range(60)] + [_command("refused")]), at(NOW_NS))
    assert len(blotter.part(model.view, Selection(), at(NOW_NS), UTC)["rows"]) == blotter.ROWS
    assert len(blotter.part(model.view, Selection(order_page=2), at(NOW_NS), UTC)["rows"]) == 61 - 2 * blotter.ROWS
    assert len(blotter.part(model.view, Selection(order_page=99), at(NOW_NS), UTC)["rows"]) == 61 - 2 * blotter.ROWS
    assert len(blotter.part(model.view, Selection(orders="refused"), at(NOW_NS), UTC)["rows"]) == 1
    assert len(blotter.filtered(model.view.commands, Selection(order_find="btc"))) == 61
    assert blotter.filtered(model.view.commands, Selection(order_find="doge")) == []


def test_an_order_of_another_day_says_which_day() -> None:
    model = PageModel()
    model.apply(CommandUpdate(commands=[_command("applied")]), at(NOW_NS))
    days = [blotter.part(model.view, Selection(), at(NOW_NS + days * 86_400 * S_NS), UTC) for days in (0, 1, 60)]
    assert [_texts(part)[0] for part in days] == ["22:13:20.000", "14 Nov 22:13:20.000", "14 Nov 2023 22:13:20.000"]


def test_a_recordings_times_are_all_in_the_chosen_zone() -> None:
    model = PageModel()
    model.apply(snapshot(2, clock_ns=NOW_NS - 86_400 * S_NS), at(NOW_NS))
    parts = market.parts(model.view, Selection(symbol="BTC-USD"), at(NOW_NS), ZoneInfo("Asia/Kolkata"))
    assert parts["symbols"]["rows"][0][1][-1][0] == "03:43:20"


def test_closed_positions_are_shown_but_not_counted_as_positions() -> None:
    held = [position(qty=0.5), position("ETH-USD", qty=0.0)]
    link = FakeLink().live()
    link.model.apply(status(2, desk_state=desk_state(positions=held)), at(NOW_NS))
    parts = account.parts(link.view, Selection(), at(NOW_NS), UTC)
    assert parts["cards"]["cards"][3][2] == "1 position"
    assert [row[0] for row in parts["positions"]["rows"]] == ["BTC-USD", "ETH-USD", " all "]


def test_the_csv_has_every_digit_and_no_text_that_a_spreadsheet_would_run() -> None:
    order = _command("applied").model_copy(update={"qty": 0.00001234, "source": "=cmd()", "filled_price": 60_000.125})
    rows = list(csv.reader(io.StringIO(blotter.as_csv([order]).removeprefix("\ufeff"))))
    assert rows[1][:8] == [
        "2023-11-14T22:13:20.000+00:00",
        "trade",
        "buy",
        "1.234e-05",
        "BTC-USD",
        "",
        "60000.125",
        "applied",
    ]
    assert rows[1][9] == "'=cmd()"


def test_positions_have_a_total_when_there_are_several() -> None:
    assert "No positions" in _texts(account.positions(None, Selection()))[0]
    held = [position(), position("ETH-USD", qty=-0.5)]
    said = _texts(account.positions(desk_state(positions=held), Selection()))
    assert {"▼ −0.5000", "All", "▲ +100.00"} <= set(said)


def test_a_ledger_that_does_not_add_up_says_so() -> None:
    model = PageModel()
    model.apply(status(refused=3), at(NOW_NS))
    assert "balanced" in _texts(reports.ledger(model.view))
    wrong = status(2).ledger.model_copy(update={"received": 7})
    model.apply(status(2).model_copy(update={"ledger": wrong}), at(NOW_NS))
    assert "does not add up" in _texts(reports.ledger(model.view))


def test_the_ledger_has_the_losses_of_the_hop_before_ingest_too() -> None:
    model = PageModel()
    loser = SourceState(source="bot-gap", trades=232, lost=231, duplicate=0, last_trade_ns=NOW_NS)
    model.apply(status().model_copy(update={"sources": [loser]}), at(NOW_NS))
    said = _texts(reports.ledger(model.view))
    assert said[said.index("lost before ingest") + 1] == "231"
    assert "of 1 of 1 sources" in said


@pytest.mark.parametrize(("receivers", "said"), [(0, "nobody is called"), (1, "1 receiver"), (2, "2 receivers")])
def test_the_services_say_whether_an_alert_calls_anybody(receivers: int, said: str) -> None:
    model = PageModel()
    model.apply(page_state().model_copy(update={"alert_receivers": receivers}), at(NOW_NS))
    assert said in " ".join(_texts(reports.services(model.view, at(NOW_NS))))
    model.apply(page_state(), at(NOW_NS))
    assert "alerts" not in _texts(reports.services(model.view, at(NOW_NS)))


def test_refused_messages_are_shown_by_reason() -> None:
    assert "not json" in _texts(reports.refused(status(refused=3)))
    assert "Nothing was refused." in _texts(reports.refused(status()))
    assert "Nothing was refused." in _texts(reports.refused(None))


def test_refused_messages_say_whose_they_are_most_first() -> None:
    refusals = [
        SourceRefusals(source="", reasons={"not_json": 2}),
        SourceRefusals(source="bot", reasons={"bad_name": 7, "out_of_range": 0}),
    ]
    rows = reports.refused(status(refused=9).model_copy(update={"refusals": refusals}))["rows"]
    assert [[cell if isinstance(cell, str) else cell[0] for cell in row[1]] for row in rows] == [
        ["bad name", "bot", "7"],
        ["not json", "none could be read", "2"],
    ]


def test_thirty_sources_stand_in_an_order_that_does_not_move() -> None:
    model, orders_seen = PageModel(), set()
    for i in range(10):
        moving = [
            SourceState(source=f"bot-{j:02}", trades=1, lost=0, duplicate=0, last_trade_ns=NOW_NS + (i * j) % 7)
            for j in range(30)
        ]
        model.apply(status(i).model_copy(update={"sources": moving}), at(NOW_NS))
        orders_seen.add(tuple(row[0] for row in reports.sources(model.view, Selection())["rows"]))
    assert orders_seen == {tuple(f"bot-{j:02}" for j in range(30))}


def test_one_wrong_clock_is_named_and_kept_off_the_axis() -> None:
    model = PageModel()
    hour_ns = 3_600 * S_NS
    slow = StageLatency(count=9, p50_ns=1_000_000, p90_ns=hour_ns, p99_ns=hour_ns, max_ns=hour_ns)
    latest = snapshot().model_copy(
        update={"skews": [SourceSkew(source="bot-skew", skew_ns=hour_ns)], "latencies": {"end_to_end": slow}}
    )
    model.apply(latest, at(NOW_NS))
    part = charts.trend(model.view.trend, UTC, longest_ns=hour_ns // 2)
    assert [line[2] for line in part["strips"][1]["lines"]] == [[1.0], [None]]
    assert "bot-skew" in reports.stages(latest)["sub"]


def test_trades_that_no_snapshot_had_room_for_are_a_hole_in_the_tape() -> None:
    model = PageModel()
    model.apply(snapshot(1).model_copy(update={"last_trades": [tape_trade()]}), at(NOW_NS))
    later = tape_trade().model_copy(update={"applied_ns": NOW_NS + 1})
    more = summary().model_copy(update={"trades": 1_234 + 38})
    model.apply(snapshot(2).model_copy(update={"last_trades": [later], "symbols": [more]}), at(NOW_NS))
    assert [row.skipped for row in model.view.tapes["BTC-USD"]] == [37, 0]


def test_a_tape_that_repeats_what_was_shown_has_no_hole() -> None:
    model = PageModel()
    first, later = tape_trade(), tape_trade().model_copy(update={"applied_ns": NOW_NS + 1})
    model.apply(snapshot(1).model_copy(update={"last_trades": [first]}), at(NOW_NS))
    more = summary().model_copy(update={"trades": 1_234 + 38})
    model.apply(snapshot(2).model_copy(update={"last_trades": [later, first], "symbols": [more]}), at(NOW_NS))
    assert [row.skipped for row in model.view.tapes["BTC-USD"]] == [0, 0]
