"""Grafana itself, where its image is to be had: it has the dashboards, and takes the marks of the load tester."""

import json
import urllib.request

import pytest

from loadtest.annotate import annotate
from loadtest.scrape import get
from tests.helpers.compose import ROOT, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]


@pytest.fixture
def grafana(stack: Stack) -> str:
    if "grafana" not in stack.services:
        pytest.skip("Grafana's image is not to be had here; tests/dashboards holds the files to its published schema")
    return f"http://127.0.0.1:{stack.ports['GRAFANA_PORT']}"


def test_grafana_has_every_dashboard_without_a_click(grafana: str) -> None:
    files = (ROOT / "grafana" / "dashboards").glob("*.json")
    expected = {json.loads(file.read_text(encoding="utf-8"))["uid"] for file in files}
    assert {found["uid"] for found in json.loads(get(f"{grafana}/api/search?type=dash-db"))} == expected


def test_grafana_reaches_prometheus(grafana: str) -> None:
    body = json.dumps({"queries": [{"refId": "A", "datasource": {"uid": "prometheus"}, "expr": "up", "instant": True}]})
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{grafana}/api/ds/query", body.encode(), headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own address
        assert json.load(response)["results"]["A"]["status"] == 200


def test_grafana_takes_the_mark_of_a_load_test(grafana: str) -> None:
    assert annotate(grafana, "a test's mark", at_ns=1_700_000_000_000_000_000)
