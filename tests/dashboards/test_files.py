"""The committed files are what the code makes, and what Grafana takes."""

import json
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from jsonschema import Draft7Validator

from dashboards.rendering import rendered
from tests.helpers.expressions import expressions

ROOT = Path(__file__).parents[2]
PUBLISHED = json.loads((Path(__file__).parent / "grafana-schema.json").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def problems(part: str, value: object) -> list[str]:
    validator = Draft7Validator(PUBLISHED["parts"][part])
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_the_committed_dashboards_are_the_ones_that_the_code_makes() -> None:
    files = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "grafana" / "dashboards").iterdir()}
    assert files == rendered(), "run `make dashboards` and commit what it writes"


def test_a_dashboard_comes_back_unchanged_from_the_types_of_the_sdk(model: dict[str, Any]) -> None:
    register_default_plugins()
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(model)))
    for variable in again["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    for panel in again["panels"]:
        panel.get("options", {}).pop("footer", None)
    for shown in (*again["links"], *again["annotations"]["list"]):
        shown.pop("placement", None)
    assert again == model


def test_links_and_marks_are_shown_beside_the_variables_not_in_a_menu(model: dict[str, Any]) -> None:
    assert [each for each in (*model["links"], *model["annotations"]["list"]) if "placement" in each] == []


def test_the_published_schema_is_that_of_the_version_in_the_compose_file() -> None:
    assert COMPOSE["services"]["grafana"]["image"] == f"grafana/grafana:{PUBLISHED['version']}"


def test_a_dashboard_fits_the_schema_that_grafana_publishes(model: dict[str, Any]) -> None:
    for marks in model["annotations"]["list"]:
        if marks["datasource"]["type"] == "prometheus":
            # The schema says of `target`: "this should just be a normal query target"; Grafana's own editor of
            # Prometheus annotations writes it so, and the two formats beside it.
            marks = marks.copy()  # noqa: PLW2901 - a copy for this check alone
            assert marks.pop("target")["expr"]
            marks.pop("titleFormat")
            marks.pop("textFormat", None)
            assert problems("dashboard", {"schemaVersion": 1, "annotations": {"list": [marks]}}) == []
    others = [marks for marks in model["annotations"]["list"] if marks["datasource"]["type"] != "prometheus"]
    assert problems("dashboard", model | {"annotations": {"list": others}}) == []


def test_the_options_of_each_panel_fit_the_schema_of_its_kind(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        assert problems(f"{panel['type']}.options", panel["options"]) == [], panel["title"]
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            assert problems(f"{panel['type']}.custom", custom) == [], panel["title"]


def test_grafana_finds_the_dashboards_and_the_datasource_that_they_name(panels: list[dict[str, Any]]) -> None:
    provisioning = ROOT / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    provider = yaml.safe_load((provisioning / "dashboards" / "files.yml").read_text(encoding="utf-8"))
    assert source["apiVersion"] == provider["apiVersion"] == 1
    uid = source["datasources"][0]["uid"]
    named = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
    assert named == {uid}
    mounts = dict(volume.split(":")[:2] for volume in COMPOSE["services"]["grafana"]["volumes"])
    assert mounts["./grafana/dashboards"] == provider["providers"][0]["options"]["path"]
    home = COMPOSE["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana" / "dashboards" / Path(home).name).exists()


def test_the_docs_have_a_real_answer_to_every_expression_of_every_panel(model: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "stack.md").read_text(encoding="utf-8")
    rows = [f"| {each.panel} | {each.ref} | `{each.expr.replace('|', chr(92) + '|')}` |" for each in expressions(model)]
    missing = [row for row in rows if row not in text and not row.startswith("| annotation")]
    assert missing == [], "run `make test-stack`, then `scripts/stack_docs.py`, and commit what it writes"
