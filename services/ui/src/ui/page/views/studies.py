"""Studies: what they find for one symbol, and how each of them does."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from telemetry_schema import StudiesState, StudyState
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView, StudySubject
from ui.page.widgets import live_page
from ui.page.widgets.sparks import spark
from ui.page.widgets.tables import Cell, Row, name, number, sentence, table, text

_VALUES: Final = (name("Value"), number("Now"), text("Course"))
_HEALTH: Final = (
    name("Study"),
    text("State"),
    number("Runs"),
    number("Mean"),
    number("Slowest"),
    number("Skipped"),
    number("Failed"),
    sentence("Why"),
)


def show(link: DataLink) -> None:
    """Draws the page."""
    live_page.show_symbol(link, "studies", parts)


def parts(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> dict[str, Part]:
    """All panels of the page."""
    del now, zone  # what is shown has no times
    state = view.studies
    if state is None:
        text = "No study has reported yet. With ANALYTICS_STUDIES_BUILTIN=false and no files there is none."
        return {"note": {"kind": "note", "text": text, "code": ""}}
    return {"cards": _numbers(state), **_values(view, state, selection), "health": _health(state)}


def _numbers(state: StudiesState) -> Part:
    failing = sum(one.failure is not None for one in state.studies)
    busy = sum(one.mean_s / (one.every_ns / 1e9) for one in state.studies)
    unusable = len(state.problems)
    return {
        "kind": "cards",
        "cards": [
            ["Studies", formats.count(len(state.studies)), f"unusable files: {unusable:,}" if unusable else "", ""],
            [
                "Failing",
                formats.count(failing),
                "their values are left out" if failing else "",
                "bad" if failing else "",
            ],
            [
                "Skipped",
                formats.count(sum(one.skipped for one in state.studies)),
                "the worker was busy",
                "",
            ],
            ["Of a core", f"{busy * 100:,.1f} %", "for each symbol", ""],
            ["Worker restarts", formats.count(max(state.worker_starts - 1, 0)), "it ended, hung or grew", ""],
        ],
    }


def _values(view: PageView, state: StudiesState, selection: Selection) -> dict[str, Part]:
    """Own tables for trades of the market, for our own, and for symbols that are looked at together."""
    found: dict[str, Part] = {}
    for subject, history in sorted(view.study_history.items()):
        if selection.symbol in (subject.together or (subject.symbol,)):
            title = f"{subject.symbol}, our own trades" if subject.origin == "own" else subject.symbol
            found[_panel(subject, len(found))] = _table(title, history)
    if not found:
        text = f"No values of {selection.symbol or 'any symbol'}: studies run when it trades"
        if len(state.values) > 1:
            text += f", and this page has the {len(state.values)} symbols for which they ran last"
        found["quiet"] = {"kind": "note", "text": f"{text}.", "code": ""}
    return found


def _panel(subject: StudySubject, number: int) -> str:
    """The panel's name, which the style sheet and the browser know it by."""
    return f"together{number}" if subject.together else {"market": "values", "own": "own"}[subject.origin]


def _table(title: str, history: Mapping[str, tuple[float, ...]]) -> Part:
    rows = [
        Row(series, (series.replace("_", " "), formats.significant(values[-1]), Cell(spark(values), "muted")))
        for series, values in sorted(history.items())
    ]
    return table(title, _VALUES, rows, empty="No values.", sub="NaN is left out")


def _health(state: StudiesState) -> Part:
    rows = [_study(one) for one in sorted(state.studies, key=lambda one: (one.failure is None, one.name))]
    problems = [
        Row(problem, (Cell("–", "muted"), Cell("unusable", "bad", badge=True), *("",) * 5, problem))
        for problem in state.problems
    ]
    return table("Health and cost", _HEALTH, [*problems, *rows], empty="No studies.", sub="since the start")


def _study(one: StudyState) -> Row:
    cells = (
        Cell(one.name, "strong"),
        _condition(one),
        formats.count(one.runs),
        formats.duration(round(one.mean_s * 1e9)),
        formats.duration(round(one.slowest_s * 1e9)),
        formats.count(one.skipped),
        Cell(formats.count(one.failures), "bad" if one.failures else ""),
        one.failure or "",
    )
    return Row(one.name, cells)


def _condition(one: StudyState) -> Cell:
    if one.disabled:
        return Cell("disabled", "bad", badge=True)
    if one.failure is not None:
        return Cell("failing", "warn", badge=True)
    return Cell("healthy", "good", badge=True) if one.runs else Cell("waiting", "muted", badge=True)
