"""Pipeline: is everything that came in accounted for, how fast, and what state is each part in."""

import streamlit as st

from telemetry_schema import IngestStatus, Snapshot
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.page.widgets import charts, reports, style

EVERY_S = 0.5


def show(link: DataLink) -> None:
    """Draws the page."""
    _live(link)


@st.fragment(run_every=EVERY_S)
def _live(link: DataLink) -> None:
    view = link.view
    _numbers(view)
    left, right = st.columns([1.55, 1])
    with left:
        with st.container(border=True, key="trend"):
            style.title("Rate and latency", "the last five minutes, sent to applied, UTC")
            st.echarts_chart(charts.trend(view.trend), height=270, key="trend-chart", alt="Trades a second and latency")
        _card("stages", "Latency by stage", "the last minute, ms", reports.stages(view.snapshot))
    with right:
        _card(
            "ledger", "Ledger", "since their starts; the younger of the two reports may be ahead", reports.ledger(view)
        )
        _card("refused", "Refused", "messages by reason", reports.refused(view.status))
    sources, feeds = st.columns([1.55, 1])
    with sources:
        _card("sources", "Sources", "who sends, as ingest sees them", reports.sources(view))
        _card("services", "Services", "", reports.services(view, link.now_ns()))
    with feeds:
        _card("feeds", "Feeds", "", reports.feeds(view.status))


def _card(key: str, title: str, sub: str, html: str) -> None:
    with st.container(border=True, key=key):
        style.title(title, sub)
        st.html(html)


def _numbers(view: PageView) -> None:
    cells = st.columns(6)
    snapshot, status = view.snapshot, view.status
    latency = snapshot.latencies.get("end_to_end") if snapshot else None
    rate = reports.rate(view.trend)
    parts = (
        ("Trades/s", formats.NONE if rate is None else f"{rate:,.0f}", "last 5 s"),
        ("p50 sent → applied", _ms(latency.p50_ns if latency else None), "last minute"),
        ("p99 sent → applied", _ms(latency.p99_ns if latency else None), _worst(snapshot)),
        ("Waiting", formats.count(status.unapplied_trades if status else None), "trades"),
        ("Refused", formats.count(status.ledger.refused if status else None), "messages"),
        ("Trades a batch", _batch(status), _largest(status)),
    )
    for cell, (label, value, note) in zip(cells, parts, strict=True):
        cell.metric(label, value, note, border=True, delta_color="off", delta_arrow="off")


def _ms(ns: int | None) -> str:
    return formats.NONE if ns is None else f"{formats.latency(ns)} ms"


def _worst(snapshot: Snapshot | None) -> str:
    latency = snapshot.latencies.get("end_to_end") if snapshot else None
    return f"worst {_ms(latency.max_ns if latency else None)}"


def _batch(status: IngestStatus | None) -> str:
    sizes = status.batch_sizes if status else None
    return f"{sizes.trades / sizes.batches:,.1f}" if sizes and sizes.batches else formats.NONE


def _largest(status: IngestStatus | None) -> str:
    return f"largest {status.batch_sizes.largest:,}" if status else "no batches"
