"""Known traffic with gaps, repeats, refusals, bursts, restarts, kills and missed scrapes: what panels and alerts
make of it is compared with what was sent.

Every number is computed as Grafana does: variables filled in, an instant query at the end of the range.
"""

import json
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.compose import ROOT, eventually
from tests.helpers.expressions import expressions, filled
from tests.stack.planted import SECOND_NS, Planted, watched

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]

RANGE_S = 900
BURST_TRADES = 800
NEW_SYMBOLS = 17
PANELS = [
    each
    for name in ("trading", "pipeline", "load-test")
    for each in expressions(json.loads((ROOT / "grafana" / "dashboards" / f"{name}.json").read_text(encoding="utf-8")))
]


@dataclass(frozen=True)
class Outcome:
    """What was planted, and when each part of it began and ended, in epoch seconds."""

    planted: Planted
    began_s: float
    quiet_until_s: float
    ended_s: float
    analytics_was_away_s: float
    burst_s: float

    def panel(
        self, dashboard: str, title: str, ref: str = "A", at_s: float | None = None, **chosen: str
    ) -> dict[str, float]:
        """The numbers of a panel at a time, by default the end, by their first label that is not about the scrape."""
        (each,) = [p for p in PANELS if (p.dashboard, p.panel, p.ref) == (dashboard, title, ref)]
        built_in = {"__range": f"{RANGE_S}s", "__rate_interval": "4s", "__rate_interval_ms": "4000"}
        variables = {"source": ".*", "symbol": "AAA-USD", "symbols": ".*", "candle": "10s", "stage": "process"}
        lines = self.planted.prometheus.at(filled(each.expr, variables | built_in | chosen), at_s or self.ended_s)
        names = ("source", "symbol", "window", "reason", "label", "state", "job")
        return {next((line.labels[n] for n in names if n in line.labels), ""): line.last for line in lines}

    def number(self, dashboard: str, title: str, at_s: float | None = None, **chosen: str) -> float:
        (value,) = self.panel(dashboard, title, at_s=at_s, **chosen).values()
        return value


def nothing_is_wrong(planted: Planted) -> None:
    """Start, steady flow, a missed scrape, clean restarts, a load test and a client's replay."""
    steady, load, replay = planted.sender("steady"), planted.sender("loadtest-0"), planted.sender("replayer")
    steady.flow(6)
    planted.pipeline.ingest.signal(signal.SIGSTOP)
    time.sleep(3.2)
    planted.pipeline.ingest.signal(signal.SIGCONT)
    steady.flow(3)
    for service in (planted.pipeline.analytics, planted.pipeline.ingest):
        planted.settle()
        assert service.stop() == 0
        service.start().wait_ready()
        steady.flow(4)
    for number in range(6_000):
        load.trade(f"LOAD-{number % 2}")
    for number in range(60):
        replay.trade(age_ns=(1_800 - 10 * number) * SECOND_NS)
        time.sleep(0.05)
    steady.flow(3)


def much_is_wrong(planted: Planted) -> tuple[float, float]:
    """Gaps, repeats, refusals, a wrong clock, more symbols than labels, deaths.

    Returns when a burst of new symbols had been seen, and for how long analytics was away.
    """
    gaps, newgap, ahead = planted.sender("gaps"), planted.sender("newgap"), planted.sender("ahead", 2 * SECOND_NS)
    planted.sender("quiet").flow(2)
    gaps.flow(0.2)
    gaps.lose(7)
    gaps.flow(0.2)
    newgap.trade()
    newgap.lose(5)
    newgap.trade()
    ahead.flow(1)
    gaps.repeat(15)
    planted.refuse(b"no json", b"no json", b"{}", b'{"type": "unknown"}')
    burst = planted.sender("burst")
    for _ in range(BURST_TRADES):
        burst.trade("CCC-USD", qty=1.0, price=2.0)
    for number in range(NEW_SYMBOLS):
        burst.trade(f"NEW-{number}", qty=1.0, price=10.0)
    planted.settle()
    burst_s = time.time()
    began_s = time.monotonic()
    planted.pipeline.analytics.kill()
    planted.sender("steady").flow(24)
    planted.pipeline.analytics.start().wait_ready()
    away_s = time.monotonic() - began_s
    planted.settle()
    planted.pipeline.ingest.kill()
    planted.pipeline.ingest.start().wait_ready()
    planted.sender("steady").flow(3)
    planted.settle()
    return burst_s, away_s


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder: Path = tmp_path_factory.mktemp("planted")
    folder.chmod(0o755)
    with watched(folder) as planted:
        began_s = time.time()
        nothing_is_wrong(planted)
        planted.settle()
        quiet_until_s = time.time()
        burst_s, away_s = much_is_wrong(planted)
        # The source that fell silent is silent for a minute, and everything is still.
        silent = '(time() - source:last_trade:timestamp_seconds{source="quiet"}) > 64'
        eventually(lambda: planted.prometheus.at(silent) or None, "a minute of silence", 90)
        yield Outcome(planted, began_s, quiet_until_s, time.time(), away_s, burst_s)


@pytest.mark.parametrize("what", ["accepted", "duplicate", "lost"])
def test_the_ledger_of_the_range_is_what_was_sent_over_all_restarts_and_missed_scrapes(
    outcome: Outcome, what: str
) -> None:
    assert outcome.number("Pipeline", what.title()) == outcome.planted.truth(what)


def test_applied_is_what_was_accepted_over_two_deaths_and_a_restart_of_analytics(outcome: Outcome) -> None:
    assert outcome.number("Pipeline", "Applied") == outcome.planted.truth("accepted")


def test_refusals_are_counted_once(outcome: Outcome) -> None:
    assert outcome.number("Pipeline", "Refused") == outcome.planted.refused


def test_completeness_is_the_share_that_was_not_lost_rounded_down(outcome: Outcome) -> None:
    accepted, lost = outcome.planted.truth("accepted"), outcome.planted.truth("lost")
    truth = math.floor(1e6 * accepted / (accepted + lost)) / 1e6
    assert outcome.number("Pipeline", "Completeness") == pytest.approx(truth, abs=1.1e-6)
    assert outcome.number("Pipeline", "Completeness") < 1


def test_the_table_of_sources_has_each_senders_own_numbers(outcome: Outcome) -> None:
    columns = {"accepted": "accepted", "lost": "lost", "duplicate": "duplicate"}
    for ref, what in columns.items():
        shown = outcome.panel("Pipeline", "Sources", ref)
        assert {source: shown[source] for source in outcome.planted.senders} == {
            source: sender.sent[what] for source, sender in outcome.planted.senders.items()
        }
    lost = outcome.panel("Pipeline", "Sources", "share")["newgap"]
    assert lost == pytest.approx(5 / 7)
    silent = outcome.panel("Pipeline", "Sources", "silent")
    # A second for the phase of scrape and rule.
    assert silent["quiet"] > 63
    assert silent["steady"] < outcome.ended_s - outcome.quiet_until_s


def test_the_first_trades_of_a_symbol_are_in_every_number_about_it(outcome: Outcome) -> None:
    turnover = 2.0 * BURST_TRADES
    assert outcome.number("Trading", "Turnover, 1 m", symbol="CCC-USD", at_s=outcome.burst_s) == turnover
    assert outcome.panel("Trading", "Top symbols, 5 m", "turnover", at_s=outcome.burst_s)["CCC-USD"] == turnover
    windows = outcome.panel("Trading", "Windows", "trades", symbol="CCC-USD", at_s=outcome.burst_s)
    assert windows == dict.fromkeys(("10s", "1m", "5m", "1h"), BURST_TRADES)


def test_services_and_restarts_are_counted(outcome: Outcome) -> None:
    assert outcome.number("Pipeline", "Targets down") == 0
    # analytics stopped and killed, ingest stopped and killed.
    assert outcome.number("Pipeline", "Restarts") == 4
    assert outcome.number("Pipeline", "Unapplied") == 0


def test_a_load_test_has_its_own_offered_and_everybodys_missing(outcome: Outcome) -> None:
    assert outcome.number("Load test", "Offered", source="loadtest-0") == 6_000
    assert outcome.number("Load test", "Applied") == outcome.planted.truth("accepted")
    assert outcome.number("Load test", "Missing") == outcome.planted.truth("lost")
    # All came within a few seconds, so no five seconds can have had more than all of them.
    assert 1_000 < outcome.number("Load test", "Peak rate") <= (6_000 + 6 * 50) / 5


def test_labels_run_over_by_as_many_trades_as_there_are_too_many_symbols(outcome: Outcome) -> None:
    over = 2 + 1 + 1 + NEW_SYMBOLS - 20
    shown = outcome.number("Pipeline", "Label overflow")
    # Each start of analytics gives the labels anew; the second life sees the same symbols in another order.
    assert shown >= over > 0


def test_alerts_are_silent_while_nothing_is_wrong(outcome: Outcome) -> None:
    assert outcome.planted.alerts(outcome.began_s, outcome.quiet_until_s) == {}


def test_every_planted_fault_fires_its_alert_and_no_other(outcome: Outcome) -> None:
    found = outcome.planted.alerts(outcome.quiet_until_s, outcome.ended_s)
    assert found["TradesLost"] == {"gaps", "newgap"}
    assert found["TargetDown"] == {"analytics"}
    assert found["LabelOverflow"] == {"symbol"}
    assert len(found["MessagesRefused"]) > 1
    assert "quiet" in found["SourceSilent"]
    assert not found["SourceSilent"] & {"steady", "loadtest-0"}
    faults = {"TradesLost", "TargetDown", "LabelOverflow", "MessagesRefused", "SourceSilent", "CompletenessBelow100"}
    assert found.keys() == faults
    assert outcome.analytics_was_away_s > 20
