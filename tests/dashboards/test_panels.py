"""What a reader finds on every dashboard: words, units, limits, legends, links, and room on a laptop."""

import itertools
import json
import re
from typing import Any

from tests.helpers.expressions import expressions, filled

Panels = list[dict[str, Any]]
HIDDEN = 2
BUILT_IN = {"__rate_interval", "__rate_interval_ms", "__range", "__interval"}


def test_every_panel_says_what_it_shows(panels: Panels) -> None:
    assert [panel["title"] for panel in panels if not panel["title"] or len(panel["description"]) < 30] == []


def test_every_number_has_a_unit_and_limits(panels: Panels) -> None:
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "stat":
            assert defaults["unit"]
            assert defaults["thresholds"]["steps"]
        elif panel["type"] == "heatmap":
            assert panel["options"]["yAxis"]["unit"]
        elif panel["type"] != "table":
            assert defaults["unit"]


def test_every_column_of_a_table_is_named_and_every_number_in_it_has_a_unit(panels: Panels) -> None:
    for panel in (panel for panel in panels if panel["type"] == "table"):
        organize = next(step for step in panel["transformations"] if step["id"] == "organize")["options"]
        values = [f"Value #{target['refId']}" for target in panel["targets"]]
        assert set(values) < organize["renameByName"].keys()
        with_unit = {
            override["matcher"]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if any(each["id"] == "unit" for each in override["properties"])
        }
        named = {organize["renameByName"][value] for value in values}
        assert named <= with_unit or panel["fieldConfig"]["defaults"]["unit"]


def test_every_line_has_a_legend_and_every_chart_shows_it(panels: Panels) -> None:
    for panel in (panel for panel in panels if panel["type"] in {"timeseries", "candlestick"}):
        assert panel["options"]["legend"]["showLegend"]
        assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_have_numbers_of_their_own_and_do_not_overlap(model: dict[str, Any]) -> None:
    every = model["panels"]
    assert [panel["id"] for panel in every] == list(range(1, len(every) + 1))
    for one, other in itertools.combinations([panel["gridPos"] for panel in every], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_a_dashboard_is_readable_on_a_laptop(model: dict[str, Any], panels: Panels) -> None:
    # 1440 px are 60 px a column: a number needs three of them, a chart six, and every row is filled to its end.
    least = {"stat": 3, "timeseries": 6, "heatmap": 12, "candlestick": 12, "table": 10}
    assert [panel["title"] for panel in panels if panel["gridPos"]["w"] < least[panel["type"]]] == []
    for top in {panel["gridPos"]["y"] for panel in model["panels"]}:
        covering = [
            p["gridPos"] for p in model["panels"] if p["gridPos"]["y"] <= top < p["gridPos"]["y"] + p["gridPos"]["h"]
        ]
        assert sum(place["w"] for place in covering) == 24


def test_symbol_and_source_travel_with_the_links_between_the_dashboards(model: dict[str, Any]) -> None:
    names = [variable["name"] for variable in model["templating"]["list"]]
    assert names[:2] == ["symbol", "source"]
    links, *_ = model["links"]
    assert links["type"] == "dashboards"
    assert set(links["tags"]) <= set(model["tags"])
    assert links["includeVars"]
    assert links["keepTime"]


def test_what_one_may_choose_changes_something(model: dict[str, Any]) -> None:
    shown = {variable["name"] for variable in model["templating"]["list"] if variable.get("hide") != HIDDEN}
    used = {name for each in expressions(model) for name in re.findall(r"\$(\w+)", f"{each.expr} {each.step}")}
    assert shown - used == set()


def test_links_lead_where_the_settings_say_and_no_address_is_written_into_a_dashboard(model: dict[str, Any]) -> None:
    assert "127.0.0.1" not in json.dumps(model)
    _, page, runbook = model["links"]
    assert (page["url"], runbook["url"]) == ("${page}", "${runbook}")
    queries = {each["name"]: each["query"]["query"] for each in model["templating"]["list"] if each["type"] == "query"}
    for name in ("page", "runbook", "prometheus"):
        assert queries[name] == f'label_values(ALERTS{{alertname="Watchdog"}}, {name})'


def test_every_variable_that_a_query_uses_is_there(model: dict[str, Any]) -> None:
    there = {variable["name"]: "x" for variable in model["templating"]["list"]} | dict.fromkeys(BUILT_IN, "5m")
    for each in expressions(model):
        assert "$" not in filled(each.expr, there)
        assert "$" not in filled(each.step or "", there)


def test_overrides_name_series_that_exist(panels: Panels) -> None:
    for panel in panels:
        legends = [re.sub(r"\{\{\w+\}\}", ".*", target.get("legendFormat", "")) for target in panel["targets"]]
        columns = [
            name
            for step in panel.get("transformations", [])
            for name in step["options"].get("renameByName", {}).values()
        ]
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            assert name in columns or any(re.fullmatch(legend, name) for legend in legends), (panel["title"], name)
