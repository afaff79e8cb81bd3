"""The figures, and the table that is made of them."""

from pathlib import Path

import pytest

from analytics.environment import AnalyticsSettings
from bench import durability, neighbours, studies
from bench.durability import DurabilityCost
from bench.entrypoint import main
from bench.figures import Compared, at_least, at_most
from bench.merging import merged
from bench.table import NOTES, table, with_notes
from ingest.environment import IngestSettings

MACHINE = {"date": "2026-01-02 03:04 UTC", "processor": "a processor", "cores": "2"}


def test_a_ratio_is_taken_repeat_by_repeat() -> None:
    compared = Compared("single", "trades/s", [50.0, 10.0, 60.0], [100.0, 10.0, 100.0])
    assert compared.ratios == [0.5, 1.0, 0.6]
    assert compared.as_dict()["median_ratio"] == 0.6


@pytest.mark.parametrize(("measured", "is_hit"), [(0.5, True), (0.49, False)])
def test_a_target_from_below_is_hit_at_its_bound(measured: float, is_hit: bool) -> None:  # noqa: FBT001 - a parameter
    assert at_least("ratio", measured, 0.5).is_hit is is_hit


@pytest.mark.parametrize(("measured", "is_hit"), [(2.0, True), (2.01, False)])
def test_a_target_from_above_is_hit_at_its_bound(measured: float, is_hit: bool) -> None:  # noqa: FBT001 - a parameter
    assert at_most("ratio", measured, 2.0).is_hit is is_hit


def test_the_table_shows_misses_as_well_as_hits() -> None:
    compared = Compared("single", "trades/s", [50_000.0], [100_000.0]).as_dict()
    targets = [
        {"what": "speed", "target": "≥ 0.50", "measured": "0.50", "is_hit": True},
        {"what": "size", "target": "≤ 1", "measured": "2", "is_hit": False},
    ]
    text = table({"machine": MACHINE, "command": "make bench", "targets": targets, "macro": [compared]})
    assert "| speed | ≥ 0.50 | 0.50 | hit |" in text
    assert "| size | ≤ 1 | 2 | **missed** |" in text
    assert "| one JSON trade a message | 50,000 | 100,000 | 0.50 | 0.50 |" in text
    assert "`make bench` on 2026-01-02 03:04 UTC" in text
    assert "a processor" in text


def test_a_flood_is_shown_beside_a_program_that_only_uses_a_core_also_where_that_was_not_measured() -> None:
    found = neighbours.Neighbours([1.0], [1.1], [3.0], 180_000.0, [2.0], [4.0], [9.0]).as_dict()
    text = table({"machine": MACHINE, "command": "make bench", "targets": [], "neighbours": found})
    assert "| one that floods and is limited | 4.00 | 4.00 |" in text
    assert "| none, but a program that uses a core | 9.00 | 9.00 |" in text
    del found["busy_ms"]
    earlier = table({"machine": MACHINE, "command": "make bench", "targets": [], "neighbours": found})
    assert "uses a core" not in earlier


def test_a_part_that_was_measured_again_replaces_the_first_figures_and_is_named() -> None:
    first = {
        "machine": {**MACHINE, "load_before": "0.1"},
        "command": "make bench",
        "targets": [
            {"what": "speed", "target": "≥ 1", "measured": "0", "is_hit": False},
            {"what": "size", "target": "≤ 1", "measured": "1", "is_hit": True},
        ],
        "symbols": {"1": [9.0]},
    }
    again = {
        "machine": {**MACHINE, "date": "2026-01-02 04:00 UTC", "load_before": "0.2"},
        "command": "make bench ARGS='--parts symbols'",
        "targets": [{"what": "speed", "target": "≥ 1", "measured": "2", "is_hit": True}],
        "symbols": {"1": [3.0]},
    }
    text = table(merged([first, again]))
    assert "| 1 | 3.00 |" in text
    assert "| speed | ≥ 1 | 2 | hit |" in text
    assert "| size | ≤ 1 | 1 | hit |" in text
    assert "missed" not in text
    assert "`make bench ARGS='--parts symbols'` on 2026-01-02 04:00 UTC, load before 0.2" in text


def test_the_cost_of_durability_stands_beside_what_it_is_compared_with() -> None:
    found = DurabilityCost(
        [Compared("single", "trades/s", [90.0, 90.0], [100.0, 90.0])],
        [Compared("columns", "trades/s", [40.0, 40.0], [100.0, 100.0])],
    )
    checks = durability.targets(found)
    assert [(check.measured, check.is_hit) for check in checks] == [("0.95", True), ("0.40", False)]
    text = table({"machine": MACHINE, "command": "make bench", "targets": [], "durability": found.as_dict()})
    assert "| ingest's log on disk against memory, single | 90 | 95 | 0.95 |" in text
    assert "| durable publisher against plain, columns | 40 | 100 | 0.40 |" in text


def test_what_people_wrote_below_the_figures_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(with_notes("# Old\n", page) + "Why it is so.\n")
    page.write_text(with_notes("# New\n", page))
    assert "# Old" not in page.read_text()
    assert page.read_text().startswith("# New\n")
    assert page.read_text().endswith("Why it is so.\n")
    assert page.read_text().count(NOTES.strip()) == 1


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--parts", "everything"])


@pytest.mark.parametrize("settings", [neighbours.LIMITED, studies.OFF, studies.ON, studies.HOSTILE])
def test_what_a_part_sets_is_a_setting(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    IngestSettings.load()
    AnalyticsSettings.load()
