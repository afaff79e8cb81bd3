"""What `docs/reliability.md` promises is proved by tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_promise_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    promises = [line for line in text.splitlines() if line.startswith("|") and line.count("|") == 5]
    assert len(promises) > 20
    assert [line for line in promises if re.search(r"\| –? \|$", line)] == []
    named = set(re.findall(r"`(test_\w+)`", text))
    assert [name for name in sorted(named) if f"def {name}(" not in sources] == []
