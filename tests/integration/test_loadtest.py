"""The load test itself: against services of its own, real sockets and all."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtest.scrape import get
from tests.helpers.services import eventually

LOADTEST = Path(sys.executable).with_name("loadtest")


def run_loadtest(tmp_path: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [LOADTEST, "--own-stack", "--json", report, "--grafana-url", "http://127.0.0.1:9", *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    output = done.stdout + done.stderr
    return done.returncode, output, json.loads(report.read_text()) if report.exists() else {}


@pytest.mark.parametrize("form", ["single", "columns"])
def test_every_trade_of_a_load_is_accounted_for(form: str, tmp_path: Path) -> None:
    code, output, report = run_loadtest(
        tmp_path,
        "--rate",
        "8000",
        "--duration",
        "1",
        "--senders",
        "2",
        "--form",
        form,
        "--batch",
        "40",
        "--shape",
        "poisson",
    )
    assert code == 0, output
    (result,) = report["results"]
    ledger = result["ledger"]
    assert ledger["sent"] == ledger["applied"] == ledger["accepted"] > 7_000
    assert ledger["balances"]
    assert result["latency"]["end_to_end"]["count"] == ledger["sent"]
    assert result["latency"]["client"]["count"] == result["messages"]
    assert {usage["service"] for usage in result["usage"]} == {"ingest", "analytics"}
    assert "The ledger balances, and nothing was lost." in output
    assert "As asked: started ingest" in " ".join(output.split())


def test_a_plot_is_drawn_of_a_recorded_arrival_pattern(tmp_path: Path) -> None:
    pattern, plot = tmp_path / "arrivals.txt", tmp_path / "plot.png"
    pattern.write_text("".join(f"{1_700_000_000 + n * n / 100} x\n" for n in range(50)))
    code, output, _ = run_loadtest(
        tmp_path, "--rate", "500", "--duration", "1", "--shape", "burst", "--pattern", str(pattern), "--plot", str(plot)
    )
    assert code == 0, output
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_rate_that_cannot_be_sent_is_not_called_the_highest(tmp_path: Path) -> None:
    code, output, report = run_loadtest(
        tmp_path, "--rate", "20", "--duration", "0.3", "--max", "--p99-budget-ms", "0.001"
    )
    assert code == 1, output
    assert report["max_rate"] is None
    assert "No rate holds" in output


def test_a_recording_that_is_not_there_is_output_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [LOADTEST, "--own-stack", "--pattern", tmp_path / "missing.gz"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "No such file" in " ".join((done.stdout + done.stderr).split())


def test_ctrl_c_shows_what_was_sent_until_then(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    process = subprocess.Popen(
        [LOADTEST, "--own-stack", "--duration", "40", "--rate", "1000", "--json", report],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.readline()
    while "stop again" not in " ".join(output.split()):
        output += process.stdout.readline()
    (analytics_url,) = re.findall(r"analytics\s+\((\S+)\)", output)
    eventually(lambda: get(f"{analytics_url}/metrics").count("LOAD-"), what="a trade of the load test")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert "Cut short: sent for" in output
    (result,) = json.loads(report.read_text())["results"]
    assert result["interrupted"]
    assert 0 < result["ledger"]["sent"] == result["ledger"]["applied"] < 40_000
