"""What a panel shows: its queries asked, its series named and coloured, its tables made."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.expressions import filled
from dashboards.picture.theme import CYCLE
from dashboards.prometheus import Line, Queries


@dataclass(frozen=True, slots=True)
class View:
    """Where the answers come from, and the time (epoch seconds) and the variables that a user would have chosen."""

    prometheus: Queries
    variables: Mapping[str, str]
    start_s: float
    end_s: float

    def fill(self, text: str) -> str:
        """A title or a step with the variables filled in."""
        return filled(text, self.variables)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    color: str
    line: Line


def series_of(panel: Mapping[str, Any], view: View, step_s: float) -> list[Series]:
    """All series of a chart over the time of the view."""
    found: list[Series] = []
    for target in panel["targets"]:
        expr = filled(target["expr"], {**view.variables, "__rate_interval": f"{max(4, step_s + 1):.0f}s"})
        start_s, end_s = view.start_s // step_s * step_s, view.end_s // step_s * step_s
        for line in view.prometheus.over(expr, start_s, end_s, step_s):
            name = _legend(target["legendFormat"], line)
            found.append(Series(name, _color(panel, name, len(found)), line))
    return found


def value_of(panel: Mapping[str, Any], view: View) -> float:
    """The number of a panel that shows one: what its query is at the end of the view."""
    (target,) = panel["targets"]
    lines = view.prometheus.at(filled(target["expr"], {**view.variables, "__rate_interval": "6s"}), view.end_s)
    return lines[0].last if lines else math.nan


def _legend(template: str, line: Line) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda label: line.labels.get(label[1], ""), template)


def properties_of(panel: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the overrides say of the series or column of this name."""
    return {
        each["id"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for each in override["properties"]
    }


def _color(panel: Mapping[str, Any], name: str, index: int) -> str:
    fixed: str = properties_of(panel, name).get("color", {}).get("fixedColor", CYCLE[index % len(CYCLE)])
    return fixed


def threshold_color(steps: list[dict[str, Any]], value: float) -> str:
    """The colour of the highest step that the value has reached."""
    color: str = steps[0]["color"]
    for step in steps[1:]:
        if value >= step["value"]:
            color = step["color"]
    return color


def table_of(panel: Mapping[str, Any], view: View) -> tuple[list[str], list[list[str | float]]]:
    """The columns and rows of a table, after its transformations merge, organize, sortBy and limit."""
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    names: dict[str, str] = steps["organize"]["renameByName"]
    key = next(iter(names))
    merged: dict[str, dict[str, float]] = {}
    for target in panel["targets"]:
        for line in view.prometheus.at(filled(target["expr"], view.variables), view.end_s):
            merged.setdefault(line.labels[key], {})[f"Value #{target['refId']}"] = line.last
    rows: list[list[str | float]] = [
        [label, *(values.get(name, math.nan) for name in list(names)[1:])] for label, values in merged.items()
    ]
    (order,) = steps["sortBy"]["sort"]
    column = list(names.values()).index(order["field"])
    rows.sort(key=lambda row: float(row[column]), reverse=order["desc"])
    return list(names.values()), rows[: steps.get("limit", {}).get("limitField", len(rows))]
