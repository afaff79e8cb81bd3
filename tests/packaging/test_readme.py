"""The README names what there is."""

from pathlib import Path

from scripts.settings_table import README, with_table

ROOT = Path(__file__).parents[2]


def test_the_table_of_settings_is_the_one_in_the_code() -> None:
    text = README.read_text()
    assert text == with_table(text), "run make settings"


def test_every_local_link_leads_somewhere() -> None:
    for page in [README, *(ROOT / "docs").rglob("*.md"), *(ROOT / "libs").glob("*/README.md")]:
        for target in _links(page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def _links(text: str) -> list[str]:
    parts = [part.split(")")[0] for part in text.split("](")[1:]]
    return [part.split("#")[0] for part in parts if part and not part.startswith(("http", "#", "mailto"))]
