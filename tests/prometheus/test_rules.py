"""The rules say what to do and where to look, and every alert is tried both firing and quiet."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import palette, promql

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
DASHBOARDS = {
    model["uid"]: model
    for model in (json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "grafana" / "dashboards").iterdir())
}

each_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS.keys())


def metrics(expr: str) -> set[str]:
    """The metrics in an expression, and in the recorded ones that it uses."""
    names = set(re.findall(r"\b(?:telemetry|trading|process)_\w+|\bup\b", expr))
    for record, recorded in RECORDED.items():
        if record in expr:
            names |= metrics(recorded)
    return names


@each_alert
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["annotations"].keys() == {"summary", "description", "panel"}
    assert "{{" in alert["annotations"]["summary"]
    assert len(alert["annotations"]["description"]) > 60
    assert alert["labels"]["severity"] in {"critical", "warning"}


@each_alert
def test_an_alert_leads_to_a_panel_that_shows_what_it_watches(alert: dict[str, Any]) -> None:
    link = re.fullmatch(r"http://127\.0\.0\.1:3000/d/([\w-]+)\?viewPanel=panel-(\d+)", alert["annotations"]["panel"])
    assert link is not None
    (panel,) = [panel for panel in DASHBOARDS[link[1]]["panels"] if panel["id"] == int(link[2])]
    shown = {name for target in panel["targets"] for name in metrics(target["expr"])}
    assert metrics(alert["expr"]) & shown, panel["title"]


def test_every_alert_is_tried_firing_and_quiet() -> None:
    tried: dict[str, set[str]] = defaultdict(set)
    for file in (ROOT / "prometheus" / "tests").glob("*.yml"):
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for check in case.get("alert_rule_test", []):
                tried[check["alertname"]].add("firing" if check.get("exp_alerts") else "quiet")
    assert dict(tried) == {alert: {"firing", "quiet"} for alert in ALERTS}


def test_the_recorded_completeness_is_that_of_the_dashboard() -> None:
    recorded, shown = RECORDED["telemetry:completeness:ratio5m"], promql.completeness_in("5m")
    assert re.sub(r"\s", "", recorded) == re.sub(r"\s", "", shown)


def test_the_latency_budget_of_the_alert_is_that_of_the_dashboard() -> None:
    assert ALERTS["LatencyOverBudget"]["expr"].endswith(f"> {palette.LATENCY_BUDGET_S}")
