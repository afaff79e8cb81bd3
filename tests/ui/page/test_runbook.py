"""The page shows the runbook, where the links of alerts and dashboards lead by default."""

import re
from pathlib import Path

from ui.page.views import runbook

ROOT = Path(__file__).parents[3]


def test_the_page_has_the_runbook_of_the_docs() -> None:
    docs = ROOT / "docs" / "runbook.md"
    assert runbook.FILE.read_bytes() == docs.read_bytes(), "`make runbook` copies the changed one into the page"


def test_every_link_of_an_alert_leads_to_a_heading_of_the_page() -> None:
    rules = (ROOT / "prometheus" / "rules" / "alerts.yml").read_text(encoding="utf-8")
    anchors = {alert.lower() for alert, _ in runbook.entries() if alert}
    linked = set(re.findall(r"externalLabels\.runbook \}\}#(\w+)", rules))
    assert linked
    assert linked <= anchors
