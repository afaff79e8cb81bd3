"""The documents are true to the tree: links, numbers of decisions, tables of files, and sentences that can be read."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
READMES = sorted(path for part in ("libs", "services", "tools") for path in ROOT.glob(f"{part}/*/README.md"))
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *READMES]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert sorted(set(numbers)) == numbers
    wrong = {path.name for path in DECISIONS if not path.read_text().startswith(f"# {int(path.name[:4])}. ")}
    assert wrong == set()


def test_every_local_link_leads_somewhere() -> None:
    dead = {(relative(page), link) for page in PAGES for link in links(page) if not (page.parent / link).exists()}
    assert dead == set()


def test_the_link_to_a_decision_says_its_number() -> None:
    named = [found for page in PAGES for found in re.findall(r"\[ADR (\d+)\]\([^)]*?(\d{4})-", page.read_text())]
    assert named
    assert [pair for pair in named if int(pair[0]) != int(pair[1])] == []


def test_the_tables_of_files_name_only_what_there_is() -> None:
    for readme in READMES:
        named = {name for row in first_cells(readme) for name in re.findall(r"`([\w/]+(?:\.py|/))`", row)}
        assert named, relative(readme)
        assert {name for name in named if not list(readme.parent.glob(f"src/**/{name.rstrip('/')}"))} == set()


def test_the_tables_of_files_name_all_files_and_folders() -> None:
    for readme in READMES:
        rows = " ".join(first_cells(readme))
        assert {name for name in parts_of(readme.parent / "src") if name not in rows} == set(), relative(readme)


def parts_of(source: Path) -> set[str]:
    """The files and folders at the top of the packages, but for what holds nothing or only calls another."""
    files = {path.name for path in source.glob("*/*.py") if path.stem not in {"__init__", "__main__"}}
    return files | {f"{path.parent.name}/" for path in source.glob("*/*/__init__.py")}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    targets = [part.split(")")[0].split("#")[0] for part in page.read_text().split("](")[1:]]
    return [target for target in targets if target and not target.startswith(("http", "mailto"))]


def first_cells(readme: Path) -> list[str]:
    return [line.split("|")[1] for line in readme.read_text().splitlines() if line.startswith("|")]
