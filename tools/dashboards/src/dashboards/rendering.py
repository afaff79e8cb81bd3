"""The dashboards as JSON, as Grafana's own schema wants them."""

import json
from collections.abc import Callable
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.load_test import load_test
from dashboards.microstructure import microstructure
from dashboards.orders import orders
from dashboards.pipeline import pipeline
from dashboards.profit import profit
from dashboards.trading import trading

DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "trading": trading,
    "microstructure": microstructure,
    "orders": orders,
    "profit": profit,
    "pipeline": pipeline,
    "load-test": load_test,
}


def rendered() -> dict[str, str]:
    """The file names and their content."""
    return {f"{name}.json": _text(_model(build)) for name, build in DASHBOARDS.items()}


def _text(model: dict[str, Any]) -> str:
    return json.dumps(model, indent=2, ensure_ascii=False) + "\n"


def _model(build: Callable[[], Dashboard]) -> dict[str, Any]:
    model: dict[str, Any] = json.loads(JSONEncoder().encode(build().build()))
    # The SDK writes some defaults that Grafana's published schema does not allow where they are.
    for variable in model["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    # It also puts links and marks into a menu where nobody finds them, instead of beside the variables.
    for shown in (*model["links"], *model["annotations"]["list"]):
        shown.pop("placement", None)
    for panel in model["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)
    return model
