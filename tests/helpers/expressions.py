"""The PromQL expressions in dashboards, with variables filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Expression:
    """One query of one panel, or of the annotations (panel 0)."""

    dashboard: str
    panel_id: int
    panel: str
    ref: str
    expr: str
    legend: str
    instant: bool
    step: str | None


def expressions(model: Mapping[str, Any]) -> Iterator[Expression]:
    """All queries of a dashboard, in its order; of the annotations, those of Prometheus."""
    for panel in model["panels"]:
        for target in panel.get("targets", []):
            yield _expression(model, panel["id"], panel["title"], target, panel.get("interval"))
    for marks in model["annotations"]["list"]:
        if "expr" in marks["target"]:
            yield _expression(model, 0, f"annotation {marks['name']}", marks["target"], None)


def _expression(
    model: Mapping[str, Any], panel_id: int, panel: str, target: Mapping[str, Any], interval: str | None
) -> Expression:
    return Expression(
        dashboard=model["title"],
        panel_id=panel_id,
        panel=panel,
        ref=target["refId"],
        expr=target["expr"],
        legend=target.get("legendFormat", ""),
        instant=target.get("instant", False),
        step=target.get("interval", interval),
    )


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$name` and `${name}` replaced.

    Raises:
        KeyError: there is a variable without a value.
    """
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: variables[found[1] or found[2]], text)
