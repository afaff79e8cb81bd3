"""Known traffic with gaps, repeats, refusals, bursts, restarts, kills and missed scrapes: what panels and alerts
make of it is compared with what was sent.

Every number is computed as Grafana does: variables filled in, an instant query at the end of the range, or the course
over it. What each panel has to show is in `truth_….py`, or why it may be off.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.helpers.compose import ROOT, eventually
from tests.stack.checks import Check, Exact, Total
from tests.stack.faults import NOBODY, PLANTED, plant, study_folder, wait_for
from tests.stack.planted import watched
from tests.stack.traffic import EXPRESSIONS, Outcome, much_is_wrong, nothing_is_wrong
from tests.stack.truth_market import MICROSTRUCTURE, TRADING
from tests.stack.truth_orders import ORDERS, PROFIT
from tests.stack.truth_pipeline import LABELS, LOAD_TEST, PIPELINE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

TRUTH: Final[Mapping[str, Mapping[str, Sequence[Check]]]] = {
    "Trading": TRADING,
    "Microstructure": MICROSTRUCTURE,
    "Orders": ORDERS,
    "Profit": PROFIT,
    "Pipeline": PIPELINE,
    "Load test": LOAD_TEST,
}
ALERT_RULES: Final = [
    rule
    for group in yaml.safe_load((ROOT / "prometheus" / "rules" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
CHECKS: Final = [
    (dashboard, panel, check)
    for dashboard, panels in TRUTH.items()
    for panel, checks in panels.items()
    for check in checks
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder: Path = tmp_path_factory.mktemp("planted")
    folder.chmod(0o755)
    with ThreadPoolExecutor(1, "faults") as pool, watched(folder, ANALYTICS_MAX_SYMBOLS=str(LABELS)) as planted:
        # Both take about two minutes, most of which is waiting: they run side by side.
        faults = pool.submit(faults_elsewhere, tmp_path_factory.mktemp("faults"))
        found = Outcome(planted)
        found.note("begin")
        nothing_is_wrong(planted, found)
        much_is_wrong(planted, found)
        # The source that fell silent is silent for a minute, and everything is still.
        silent = '(time() - source:last_trade:timestamp_seconds{source="quiet"}) > 64'
        eventually(lambda: planted.prometheus.at(silent) or None, "a minute of silence", 90)
        found.note("end")
        found.faults = faults.result(200)
        yield found


def faults_elsewhere(folder: Path) -> dict[str, set[str]]:
    """The alerts that fire on services of their own, on which whatever can be planted is planted."""
    folder.chmod(0o755)
    feed = f"replay://{folder}/broken.jsonl?venue=binance"
    with watched(folder, alertmanager=NOBODY, feeds=feed, ANALYTICS_STUDIES=str(study_folder(folder))) as broken:
        began_s = time.time()
        plant(broken)
        return wait_for(broken, set(PLANTED), began_s)


def test_every_query_of_every_panel_has_its_truth() -> None:
    asked = {(each.dashboard, each.panel, each.ref) for each in EXPRESSIONS}
    held = {(dashboard, panel, ref) for dashboard, panel, check in CHECKS for ref in check.refs}
    assert asked - held == set()
    assert held - asked == set()


def test_whatever_may_be_off_says_why() -> None:
    exact = [check for _, _, check in CHECKS if isinstance(check, (Exact, Total)) and check.off <= 1.1e-6]
    assert [each for each in CHECKS if each[2] not in exact and not each[2].why] == []
    assert len(exact) > len(CHECKS) / 2


@pytest.mark.parametrize(("dashboard", "panel", "check"), CHECKS, ids=[f"{d}-{p}-{c.refs[0]}" for d, p, c in CHECKS])
def test_a_panel_shows_the_truth(outcome: Outcome, dashboard: str, panel: str, check: Check) -> None:
    check.hold(outcome, dashboard, panel)


def test_alerts_are_silent_while_nothing_is_wrong(outcome: Outcome) -> None:
    assert outcome.planted.alerts(outcome.times_s["begin"], outcome.times_s["market"]) == {}


def test_every_planted_fault_fires_its_alert_and_no_other(outcome: Outcome) -> None:
    found = outcome.planted.alerts(outcome.times_s["market"], outcome.times_s["end"])
    assert found["TradesLost"] == {"gaps", "newgap", "steady"}
    assert found["TargetDown"] == {"analytics"}
    assert found["LabelOverflow"] == {"symbol"}
    assert len(found["MessagesRefused"]) > 1
    assert "quiet" in found["SourceSilent"]
    assert not found["SourceSilent"] & {"steady", "loadtest-0"}
    faults = {"TradesLost", "TargetDown", "LabelOverflow", "MessagesRefused", "SourceSilent"}
    # Three starts within minutes, each after a death or a stop, are at the edge of what RestartLoop is about.
    assert found.keys() - {"RestartLoop"} == faults | {"CompletenessBelow100"}
    assert outcome.analytics_was_away_s > 20


BY_PROMTOOL_ALONE: Final = {
    "TradesUnaccounted": "a power cut that takes the end of ingest's log: without one it knows what it had accepted",
    "LatencyOverBudget": "over 10 ms for two minutes, of a thousand trades each",
    "WireLatencyHigh": "a slow way for three minutes",
    "LatencyBudgetBurnsFast": "an hour of slow trades",
    "LatencyBudgetBurnsSlowly": "six hours of them",
    "ClockSkewJumped": "services that have run for four minutes, and a clock that is set",
    "AuditNotKept": "a command that is decided while the disk takes no line and all the log",
    "LogFull": "64 MiB of trades that are not applied: the least that a log may hold",
    "TradesHeldByClient": "a durable client that ingest does not acknowledge for five minutes",
    "RulesFail": "a rule that Prometheus cannot evaluate would fail the other tests",
}
"""Alerts whose situation takes longer than a test may, and what it would take; prometheus/tests fires each."""


def test_every_alert_is_fired_here_or_says_why_not(outcome: Outcome) -> None:
    fired = outcome.planted.alerts(outcome.times_s["market"], outcome.times_s["end"]).keys()
    assert PLANTED.keys() <= outcome.faults.keys()
    every = {rule["alert"] for rule in ALERT_RULES} - {"Watchdog"}
    assert every - fired - PLANTED.keys() == BY_PROMTOOL_ALONE.keys()


def test_a_fault_elsewhere_is_named(outcome: Outcome) -> None:
    named = {"StudyFails": "broken", "RunUnfinished": "gone", "StateNotWritten": "ingest", "OrderInDoubt": "desk"}
    assert {alert: outcome.faults[alert] for alert in named} == {alert: {whom} for alert, whom in named.items()}
