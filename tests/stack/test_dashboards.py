"""Every expression of every panel and rule, asked of the real Prometheus while trades flow."""

import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from loadtest.scrape import get
from tests.helpers.bot import Bot
from tests.helpers.compose import ROOT, Stack, eventually
from tests.helpers.expressions import Expression, expressions, filled
from tests.helpers.figures import Figures
from tests.helpers.market import Flow
from tests.helpers.prometheus import Line
from tests.helpers.questions import Question, questions

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

MODELS = [
    json.loads(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
]
EVERY = [each for model in MODELS for each in expressions(model)]
OF_PANELS = [each for each in EVERY if each.panel_id]
RULES: list[dict[str, Any]] = [
    rule
    for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
# What Grafana fills in for a range of five minutes that a screen shows in steps of a second, and what a user chooses.
VARIABLES = {"symbol": "BTC-USD", "symbols": ".*", "source": ".*", "candle": "10s", "account": ".*", "strategy": ".*"}
STAGES = {"Orders": "ack"}
"""The stage that is chosen on a dashboard, where it is not that of trades."""
BUILT_IN = {"__rate_interval": "4s", "__rate_interval_ms": "4000", "__range": "300s", "__interval": "1s"}
FLOW_S = 12
"""How long trades must have flowed before all is asked: longer than the shortest window and every rate."""


@pytest.fixture(scope="module")
def flow(stack: Stack) -> Iterator[Stack]:
    with Flow(stack.trades_endpoint), Bot(stack.trades_endpoint):
        began_s = time.time()
        busy = "min_over_time(sum(rate(telemetry_applied_trades_total[4s]))[5s:1s]) > 0"
        eventually(lambda: True if time.time() - began_s > FLOW_S and stack.value(busy) else None, "trades flow", 60)
        eventually(lambda: stack.value("sum(trading_markout_notional_total)") or None, "the bot's orders", 60)
        # Rules of the objective are evaluated every 15 s, this one last; before the first trade it is NaN.
        eventually(lambda: stack.prometheus.at("telemetry:slow:ratio6h >= 0") or None, "the objective's rules", 60)
        yield stack


def asked(stack: Stack, each: Expression) -> list[Line]:
    return stack.prometheus.at(asked_text(each))


def asked_text(each: Expression) -> str:
    return filled(each.expr, VARIABLES | {"stage": STAGES.get(each.dashboard, "end_to_end")} | BUILT_IN)


def numbers(lines: list[Line]) -> list[float]:
    return [line.last for line in lines if not math.isnan(line.last)]


EMPTY = {
    ("Order round trip", "A"): "no order was sent on the page",
    ("Order round trip", "B"): "the same",
    ("Alerts now", "alerts"): "nothing fires while all is well",
}
"""Queries that may be empty in this flow, and why."""


UNASKED = {
    "Which bot's messages are lost?": "the first loss of a counter that begins with it is no increase",
    "Does the peer hold what we think?": "it does",
}
"""Questions whose answer may be empty in this flow, and why."""


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.text)
def test_a_question_of_a_quant_has_an_answer(flow: Stack, question: Question) -> None:
    def answered() -> list[float] | None:
        return numbers(flow.prometheus.at(question.expr)) or None

    if question.text in UNASKED:
        flow.prometheus.at(question.expr)  # it is PromQL
    else:
        eventually(answered, question.text, 60)


def test_no_expression_of_any_panel_is_empty_while_trades_flow(flow: Stack, figures: Figures) -> None:
    answers = [(each, asked(flow, each)) for each in OF_PANELS]
    empty = [each for each, lines in answers if not numbers(lines) and (each.panel, each.ref) not in EMPTY]
    assert [f"{each.dashboard}: {each.panel}: {each.expr}" for each in empty] == []
    figures.note(expressions=[row(each, lines) for each, lines in answers])


def row(each: Expression, lines: list[Line]) -> list[Any]:
    """An expression and its answer, for docs/stack.md."""
    sample = next(iter(numbers(lines)), None)
    labels = lines[0].labels if lines else {}
    return [each.dashboard, each.panel, each.ref, each.expr, len(lines), sample, labels]


def test_every_expression_of_a_chart_gives_a_course_over_time(flow: Stack) -> None:
    end_s = time.time()
    for each in (each for each in OF_PANELS if not each.instant and (each.panel, each.ref) not in EMPTY):
        step_s = 10 if each.step else 1
        lines = flow.prometheus.over(asked_text(each), end_s - 10, end_s, step_s)
        assert any(numbers([line]) for line in lines), each


def test_completeness_is_exactly_one_while_trades_flow(flow: Stack) -> None:
    (each,) = [each for each in OF_PANELS if each.panel == "Completeness"]
    assert numbers(asked(flow, each)) == [1.0]
    assert flow.value("telemetry:completeness:ratio5m") == 1.0


def test_the_candles_are_candles(flow: Stack) -> None:
    candles = {each.ref: numbers(asked(flow, each))[0] for each in OF_PANELS if each.panel.startswith("Candles")}
    assert candles["Low"] <= min(candles["Open"], candles["Close"])
    assert candles["High"] >= max(candles["Open"], candles["Close"])
    assert candles["Low"] < candles["High"]
    assert candles["Volume"] > 0


def test_the_variables_have_values_to_choose_from(flow: Stack) -> None:
    for variable in {
        each["name"]: each for model in MODELS for each in model["templating"]["list"] if each["type"] == "query"
    }.values():
        asks = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert asks is not None
        lines = flow.prometheus.at(f"count by ({asks[2]}) ({asks[1]})")
        page = f"http://127.0.0.1:{flow.ports['PAGE_PORT']}"
        addresses = {page, f"{page}/runbook", f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}"}
        assert {"BTC-USD", "bot", "sim-bot", "maker", *addresses} & {line.labels[asks[2]] for line in lines}


def test_the_marks_of_a_load_test_are_there_while_it_runs(flow: Stack) -> None:
    (each,) = [each for each in EVERY if each.panel == "annotation Load running"]
    assert [line.labels["source"] for line in asked(flow, each)] == ["loadtest"]


def test_prometheus_evaluates_every_rule_without_an_error(flow: Stack) -> None:
    url = f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}/api/v1/rules"
    rules = [rule for group in json.loads(get(url))["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {rule.get("record") or rule["alert"] for rule in RULES}
    assert [rule for rule in rules if rule["health"] != "ok"] == []


NEVER_SEEN = {
    "telemetry_feed_state": "the flow comes from clients",
    "telemetry_client_unacknowledged_trades": "the flow's bots keep nothing in a file",
    "job:restarted:bool": "only the first evaluation after a restart has it",
    "telemetry_ui_command_seconds_bucket": "no order was sent on the page",
    "telemetry_ui_command_seconds_count": "the same",
}
PREFIXES = "telemetry|trading|process|prometheus|source|reason|label|file|stage|job|limit|strategy|book"
NAMES = rf"\b(?!label_replace)(?:{PREFIXES})[_:][\w:]+|\bup\b"


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("record") or rule["alert"] for rule in RULES])
def test_what_a_rule_records_or_watches_is_there_while_trades_flow(flow: Stack, rule: dict[str, Any]) -> None:
    # An alert's expression is empty while all is well, but what it looks at is not.
    names = (
        [rule["record"]] if "record" in rule else re.findall(NAMES, re.sub(r"\{[^}]*\}|\([a-z, ]*\)", "", rule["expr"]))
    )
    missing = [name for name in names if not flow.prometheus.at(f"count(last_over_time({name}[5m]))")]
    assert set(missing) <= NEVER_SEEN.keys()


UNSHOWN = {
    "telemetry_batch_trades_bucket": "the mean is shown; its distribution is for docs/performance.md",
    "telemetry_ui_command_seconds_sum": "percentiles are shown",
    "telemetry_latency_negative_seconds_total": "how many are negative is shown; clock skew says by how much",
    "telemetry_study_seconds_bucket": "the mean is shown",
    "telemetry_run_reports_total": "what they are for is shown: runs without their end",
    "trading_order_latency_seconds_sum": "a mean of latencies hides what matters",
    "trading_slippage_bps_count": "its buckets are shown, and how many fills there are by the fills' own counter",
    "telemetry_acks_total": "a client that asks for acknowledgements counts them itself; without any it is 0",
    "telemetry_ack_requests_refused_total": "the same: whoever is refused is told so",
    "telemetry_durable_streams": "the same",
    "telemetry_second_source_fills_total": "only where two sources report one account; docs/orders.md has the query",
    "telemetry_forgotten_open_orders_total": "0 unless 100,000 orders are open at once; docs/orders.md says so",
    "telemetry_ingest_held_back_seconds_total": "how many bursts were held back is shown",
    "telemetry_log_trades": "its bytes are shown: they are what is bounded",
    "telemetry_latency_seconds_sum": "a mean of latencies hides what matters",
    "trading_notional_total": "turnover is price × quantity of the windows, which is exact for new symbols too",
}
"""Metrics that no dashboard and no rule reads, and why."""


def test_every_exported_metric_is_on_a_dashboard_or_in_a_rule_or_said_not_to_be(flow: Stack) -> None:
    read = " ".join([*(each.expr for each in EVERY), *(rule["expr"] for rule in RULES)])
    url = f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}/api/v1/label/__name__/values"
    exported = [name for name in json.loads(get(url))["data"] if re.match(r"(?:telemetry|trading)_(?!.*:)", name)]
    assert len(exported) > 50
    by_pattern = re.compile("|".join(re.findall(r'__name__=~"([^"]+)"', read)) or "(?!)")
    unseen = {
        name
        for name in exported
        if not re.search(rf"\b{name}\b", read) and not by_pattern.fullmatch(name) and not name.endswith("_created")
    }
    assert unseen - UNSHOWN.keys() == set()


def test_every_target_is_up(flow: Stack) -> None:
    url = f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}/api/v1/targets"
    targets = json.loads(get(url))["data"]["activeTargets"]
    assert {target["labels"]["job"] for target in targets} == set(flow.services) - {"grafana"}
    assert {target["health"] for target in targets} == {"up"}


def test_no_alert_of_missing_trades_or_dead_services_fires_while_trades_flow(flow: Stack) -> None:
    quiet = "TargetDown|CompletenessBelow100|RestartLoop|UnappliedGrowing|LabelOverflow|RulesFail|AlertsNotDelivered"
    assert flow.prometheus.at(f'ALERTS{{alertname=~"{quiet}",alertstate="firing"}}') == []
