"""The page's own style sheet, and the small HTML pieces that several pages use."""

from functools import cache
from html import escape
from pathlib import Path

import streamlit as st


@cache
def _style_sheet() -> str:
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def apply() -> None:
    """Puts the style sheet on the page."""
    st.html(f"<style>{_style_sheet()}</style>")


def stamp(at_ns: int) -> str:
    """Marks what is drawn with the time of the data behind it, so that its age on the screen can be measured."""
    return f'<i hidden data-snapshot-ms="{at_ns // 1_000_000}"></i>'


def title(text: str, sub: str = "") -> None:
    """A card's heading."""
    note = f'<span class="tt-sub">{escape(sub)}</span>' if sub else ""
    st.html(f'<h2 class="tt-title">{escape(text)}{note}</h2>')
