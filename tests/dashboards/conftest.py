"""The committed dashboards, read once."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
MODELS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}


@pytest.fixture(params=list(MODELS.values()), ids=list(MODELS))
def model(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each dashboard in turn."""
    found: dict[str, Any] = request.param
    return found


@pytest.fixture
def panels(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard, without the titles of its rows."""
    return [panel for panel in model["panels"] if panel["type"] != "row"]
