"""The line on top of every page: live and as of when, or what is wrong and since when."""

from html import escape

import streamlit as st

from telemetry_schema import EpochNs
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.wire import Problem

EVERY_S = 0.5
STANDS_STILL = frozenset({"main_away", "analytics_away", "ingest_away", "not_applied", "feed_stale"})
_BEAT = "beat"
_FADED = (
    "<style>table.tt.tt, [data-testid='stMetricValue'], .st-key-price-chart, .st-key-trend-chart"
    " { opacity: 0.55; }</style>"
)


@st.fragment(run_every=EVERY_S)
def show(link: DataLink) -> None:
    """Draws the banner, again and again."""
    st.html(render(link.view, link.now_ns()))
    st.session_state[_BEAT] = not st.session_state.get(_BEAT, False)
    st.html(beat(is_odd=st.session_state[_BEAT]))


def beat(*, is_odd: bool) -> str:
    """What the browser shows by itself once nothing has been redrawn for a while: this process may not be able to.

    Every other one has another class, and with it an animation of another name that begins anew: see the style sheet.
    """
    return f'<div class="tt-beat tt-beat-{"a" if is_odd else "b"}" role="status">Not updated for over 3 s</div>'


def render(view: PageView, now_ns: EpochNs) -> str:
    """The banner as HTML."""
    if view.state is None:
        return _status('<span class="tt-dot tt-muted"></span>Connecting to the data…', "tt-live")
    problems = view.problems(now_ns)
    grave = [one for one in problems if one.severity == "error"]
    lines = "".join(_line(one) for one in problems)
    # What stands still is paler too: a number far from the banner must not look live.
    faded = _FADED if any(one.code in STANDS_STILL for one in grave) else ""
    return _status(lines, "tt-problems") + (faded if grave else _live(view, now_ns))


def _status(content: str, name: str) -> str:
    # The since-times do not move, so a screen reader hears each line once.
    return f'<div class="{name}" role="status">{content}</div>' if content else ""


def _line(problem: Problem) -> str:
    since = f"<span>since {formats.clock(problem.since_ns)} UTC</span>" if problem.since_ns else ""
    detail = f"<span>{escape(problem.detail)}</span>" if problem.detail else ""
    return f'<div class="tt-problem {problem.severity}"><b>{escape(problem.title)}</b>{since}{detail}</div>'


def _live(view: PageView, now_ns: EpochNs) -> str:
    state, snapshot = view.state, view.snapshot
    assert state is not None  # noqa: S101 - the caller looked
    heard = [("analytics", state.analytics_heard_ns), ("ingest", state.ingest_heard_ns)]
    peers = "".join(f"<span>{name} {formats.span(now_ns - ns)} ago</span>" for name, ns in heard if ns is not None)
    as_of = formats.clock(snapshot.at_ns if snapshot else None)
    return (
        f'<div class="tt-live"><span class="tt-up"><span class="tt-dot"></span>Live</span>'
        f"<span>as of {as_of} UTC</span>{peers}</div>"
    )
