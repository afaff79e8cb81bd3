"""The rules say what to do and where to look, and every alert is tried both firing and quiet."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import orders, palette, promql

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

ALWAYS = {"Watchdog": {"quiet"}}
"""What an alert never is."""

each_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS.keys())


def metrics(expr: str) -> set[str]:
    """The metrics in an expression, and in the recorded ones that it uses."""
    names = set(re.findall(r"\b(?:telemetry|trading|process|prometheus)_\w+|\bup\b", expr))
    for record, recorded in RECORDED.items():
        if record in expr:
            # A rule may keep what it recorded before.
            names |= metrics(recorded.replace(record, ""))
    return names


@each_alert
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["annotations"].keys() == {"summary", "description", "panel", "runbook"}
    assert len(alert["annotations"]["description"]) > 60
    assert alert["labels"]["severity"] in {"critical", "warning"} or alert["alert"] == "Watchdog"
    assert alert["labels"]["cause"]


@each_alert
def test_an_alert_leads_to_a_panel_that_shows_what_it_watches(alert: dict[str, Any]) -> None:
    found = re.escape("{{ $externalLabels.grafana }}/d/") + r"([\w-]+)\?viewPanel=panel-(\d+)"
    link = re.fullmatch(found, alert["annotations"]["panel"])
    assert link is not None
    (panel,) = [panel for panel in DASHBOARDS[link[1]]["panels"] if panel["id"] == int(link[2])]
    shown = {name for target in panel["targets"] for name in metrics(target["expr"])}
    watched = metrics(alert["expr"])
    assert watched & shown or (alert["alert"] == "Watchdog" and not watched), panel["title"]


@each_alert
def test_an_alert_has_an_entry_in_the_runbook(alert: dict[str, Any]) -> None:
    assert alert["annotations"]["runbook"] == "{{ $externalLabels.runbook }}#" + alert["alert"].lower()
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings.count(alert["alert"]) == 1


def test_every_alert_is_tried_firing_and_quiet() -> None:
    tried: dict[str, set[str]] = defaultdict(set)
    for file in (ROOT / "prometheus" / "tests").glob("*.yml"):
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            for check in case.get("promql_expr_test", []):
                for alerts in re.findall(r'ALERTS\{alertname=~?"([\w|]+)"', check["expr"]):
                    for alert in alerts.split("|"):
                        tried[alert].add("firing" if check.get("exp_samples") else "quiet")
    assert dict(tried) == {alert: {"firing", "quiet"} - ALWAYS.get(alert, set()) for alert in ALERTS}


def test_the_recorded_completeness_is_that_of_the_dashboard() -> None:
    recorded, shown = RECORDED["telemetry:completeness:ratio5m"], promql.completeness_in("5m")
    assert re.sub(r"\s", "", recorded) == re.sub(r"\s", "", shown)


GO_ON = {"telemetry_applied_trades", "telemetry_stream_lost_trades", "label:telemetry_label_overflow"}
"""Counters that analytics keeps in its checkpoint; all others begin anew with their process."""


def rules_of(name: str, counter: str) -> tuple[str, str]:
    """What was added to a counter, and what was seen of it."""
    seen = f"last_over_time({name}:seen[15m])"
    born = f"  or ((1 * {counter} unless {seen}) and on (job, instance) job:new_series_count:bool)\n"
    if name in GO_ON:
        anew = f"  or (1 * {counter} < 0.5 * {seen} and on (job, instance) job:restarted:bool)\n"
        return f"({counter} - {seen}) >= 0\n{born}{anew}", f"({seen} > {counter} <= 2 * {counter}) or 1 * {counter}"
    grown = f"((({counter} - {seen}) >= 0) unless on (job, instance) job:restarted:bool)\n"
    anew = f"  or (1 * {counter} and on (job, instance) job:restarted:bool)\n"
    return grown + born + anew, f"1 * {counter} or (0 * {seen} and on (job, instance) job:restarted:bool)"


def test_every_counter_is_read_in_one_of_two_ways() -> None:
    added = [name.removesuffix(":added1s") for name in RECORDED if f"{name.removesuffix(':added1s')}:seen" in RECORDED]
    assert len(added) > 9
    assert set(added) > GO_ON
    for name in added:
        found = re.match(r"\(*(.+?) - ", RECORDED[f"{name}:added1s"])
        assert found is not None
        assert (RECORDED[f"{name}:added1s"], RECORDED[f"{name}:seen"]) == rules_of(name, found[1])


def test_the_latency_budget_of_the_alert_is_that_of_the_dashboard() -> None:
    assert f"> {palette.LATENCY_BUDGET_S}\n" in ALERTS["LatencyOverBudget"]["expr"]


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        ("limit:order_ack:seconds", orders.ACK_LIMIT_S),
        ("limit:order_rejects:ratio", orders.REJECT_LIMIT_RATIO),
        ("limit:rate_limit_used:ratio", orders.RATE_LIMIT_RATIO),
    ],
)
def test_the_limits_that_colour_a_number_are_those_of_its_alert(limit: str, shown: float) -> None:
    assert RECORDED[limit] == f"vector({shown:g})"


def test_every_limit_is_asked_by_an_alert() -> None:
    asked = " ".join(alert["expr"] for alert in ALERTS.values())
    assert [name for name in RECORDED if name.startswith("limit:") and name not in asked] == []


def test_what_the_dashboards_read_their_links_from_gets_it_from_the_settings() -> None:
    configuration = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))
    labels = configuration["global"]["external_labels"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    settings = compose["services"]["prometheus"]["environment"]
    (relabel,) = configuration["alerting"]["alert_relabel_configs"]
    for name in ("page", "prometheus", "runbook"):
        assert ALERTS["Watchdog"]["labels"][name] == f"{{{{ $externalLabels.{name} }}}}"
        variable = f"{name.upper()}_URL"
        assert labels[name] == f"${{{variable}}}"
        assert re.match(rf"\$\{{{variable}:-(\$\{{PAGE_URL:-)?http://127\.0\.0\.1:", settings[variable])
        assert re.fullmatch(relabel["regex"], name)  # who is called does not get them as labels of each alert


def test_every_counter_about_orders_is_read_in_one_way() -> None:
    added = [name.removesuffix(":added5s") for name in RECORDED if name.endswith(":added5s")]
    assert len(added) > 9
    for name in added:
        total, seen = (
            RECORDED[f"{name}:added5s"].split(" - ", 1)[0].removeprefix("("),
            f"last_over_time({name}:seen[15m])",
        )
        assert total.startswith("sum by (job, instance, ")
        assert RECORDED[f"{name}:added5s"] == (
            f"({total} - {seen}) >= 0\n"
            f"  or (({total} unless {seen}) and on (job, instance) job:new_series_count:bool)\n"
            f"  or ({total} < 0.5 * {seen})\n"
        )
        assert RECORDED[f"{name}:seen"] == f"({seen} > {total} <= 2 * {total}) or {total}"
