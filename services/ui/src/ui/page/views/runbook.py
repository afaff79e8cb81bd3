"""Runbook: what to do when an alert fires. Not in the navigation: links of alerts and dashboards lead here."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st

from ui.page.model.hub import DataLink
from ui.page.widgets import live_page

FILE: Final = Path(__file__).parents[1] / "runbook.md"
"""The same as docs/runbook.md, which is not in the image: `make runbook` copies it."""


def show(link: DataLink) -> None:
    """Draws the page: the banner moves, the text stands still."""
    live_page.show(link, "runbook", lambda *_: {})
    for alert, text in entries():
        if alert:
            # The anchor that the links of the alerts have: Streamlit would write target-down.
            st.subheader(alert, anchor=alert.lower())
        st.markdown(text)


@cache
def entries() -> tuple[tuple[str, str], ...]:
    """Each alert's name and text; the introduction has no name."""
    introduction, *rest = re.split(r"^### (\w+)$", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return (("", introduction), *zip(rest[::2], rest[1::2], strict=True))
