"""The questions of docs/orders.md and the query that answers each."""

import re
from typing import NamedTuple

from tests.helpers.compose import ROOT


class Question(NamedTuple):
    """A question and its query."""

    text: str
    expr: str


def questions() -> list[Question]:
    """Those of the tables under "A quant's questions"."""
    text = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")
    section = text.partition("## A quant's questions")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+\?) \|.*?`((?:sort|sum|trading)[^`]+)`", section, re.MULTILINE)
    return [Question(*row) for row in rows]
