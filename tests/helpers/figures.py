"""What the stack's tests measured, kept in a file: scripts/stack_docs.py makes docs/stack.md of it."""

import json
from typing import Any, Final

from tests.helpers.compose import ROOT

FILE: Final = ROOT / "reports" / "stack.json"


class Figures:
    """Named values of whatever JSON can hold."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever was noted
        return self._values[name]

    def note(self, **values: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Adds values and writes the file."""
        self._values |= values
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(self._values, indent=1), encoding="utf-8")
