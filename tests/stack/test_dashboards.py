"""Every expression of every panel and rule, asked of the real Prometheus while trades flow."""

import json
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dashboards.prometheus import Line
from loadtest.scrape import get
from tests.helpers.compose import ROOT, Stack, eventually
from tests.helpers.expressions import Expression, expressions, filled
from tests.helpers.figures import Figures
from tests.helpers.market import Flow

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
VARIABLES = {"symbol": "BTC-USD", "symbols": ".*", "source": ".*", "candle": "10s", "stage": "end_to_end"}
BUILT_IN = {"__rate_interval": "4s", "__rate_interval_ms": "4000", "__range": "300s", "__interval": "1s"}
FLOW_S = 12
"""How long trades must have flowed before all is asked: longer than the shortest window and every rate."""


@pytest.fixture(scope="module")
def flow(stack: Stack) -> Iterator[Stack]:
    with Flow(stack.trades_endpoint):
        began_s = time.time()
        busy = "min_over_time(sum(rate(telemetry_applied_trades_total[4s]))[5s:1s]) > 0"
        eventually(lambda: True if time.time() - began_s > FLOW_S and stack.value(busy) else None, "trades flow", 60)
        yield stack


def asked(stack: Stack, each: Expression) -> list[Line]:
    return stack.prometheus.at(filled(each.expr, VARIABLES | BUILT_IN))


def numbers(lines: list[Line]) -> list[float]:
    return [line.last for line in lines if not math.isnan(line.last)]


def test_no_expression_of_any_panel_is_empty_while_trades_flow(flow: Stack, figures: Figures) -> None:
    answers = [(each, asked(flow, each)) for each in OF_PANELS]
    assert [f"{each.dashboard}: {each.panel}: {each.expr}" for each, lines in answers if not numbers(lines)] == []
    table = [
        [each.dashboard, each.panel, each.ref, each.expr, len(lines), numbers(lines)[0], lines[0].labels]
        for each, lines in answers
    ]
    figures.note(expressions=table)


def test_every_expression_of_a_chart_gives_a_course_over_time(flow: Stack) -> None:
    end_s = time.time()
    for each in (each for each in OF_PANELS if not each.instant):
        step_s = 10 if each.step else 1
        lines = flow.prometheus.over(filled(each.expr, VARIABLES | BUILT_IN), end_s - 10, end_s, step_s)
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
    for variable in (variable for variable in MODELS[0]["templating"]["list"] if variable["type"] == "query"):
        asks = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        assert asks is not None
        lines = flow.prometheus.at(f"count by ({asks[2]}) ({asks[1]})")
        assert {"BTC-USD", "bot"} & {line.labels[asks[2]] for line in lines}


def test_the_marks_of_a_load_test_are_there_while_it_runs(flow: Stack) -> None:
    (each,) = [each for each in EVERY if each.panel == "annotation Load running"]
    assert [line.labels["source"] for line in asked(flow, each)] == ["loadtest"]


def test_prometheus_evaluates_every_rule_without_an_error(flow: Stack) -> None:
    url = f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}/api/v1/rules"
    rules = [rule for group in json.loads(get(url))["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == {rule.get("record") or rule["alert"] for rule in RULES}
    assert [rule for rule in rules if rule["health"] != "ok"] == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("record") or rule["alert"] for rule in RULES])
def test_what_a_rule_compares_is_there_while_trades_flow(flow: Stack, rule: dict[str, Any]) -> None:
    # An alert's expression is empty while all is well; each side of it, asked whether it holds, is not. Two minutes of
    # history are not there yet.
    if "record" in rule:
        assert numbers(flow.prometheus.at(rule["record"]))
        return
    for part in re.split(r"\b(?:and|unless)\b(?: on \(source\))? (?=\w+[:_])", rule["expr"]):
        asks = re.sub(r" (>=|==|>|<) ", r" \1 bool ", part).replace(" offset 2m", "")
        assert numbers(flow.prometheus.at(asks)), asks


def test_every_target_is_up(flow: Stack) -> None:
    url = f"http://127.0.0.1:{flow.ports['PROMETHEUS_PORT']}/api/v1/targets"
    targets = json.loads(get(url))["data"]["activeTargets"]
    assert {target["labels"]["job"] for target in targets} == set(flow.services) - {"grafana"}
    assert {target["health"] for target in targets} == {"up"}


def test_no_alert_of_missing_trades_or_dead_services_fires_while_trades_flow(flow: Stack) -> None:
    quiet = "TargetDown|CompletenessBelow100|RestartLoop|UnappliedGrowing|LabelOverflow"
    assert flow.prometheus.at(f'ALERTS{{alertname=~"{quiet}",alertstate="firing"}}') == []
