"""Pipeline: is everything that came in accounted for, how fast, and what state is each part in."""

from datetime import tzinfo

from telemetry_schema import IngestStatus
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets import charts, live_page, reports


def show(link: DataLink) -> None:
    """Draws the page."""
    live_page.show(link, "pipeline", parts)


def parts(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> dict[str, Part]:
    """All panels of the page."""
    off = reports.wrong_clock(view.snapshot)
    return {
        "cards": _numbers(view, off),
        "trend": charts.trend(view.trend, zone, longest_ns=off[1] // 2 if off else None),
        "ledger": reports.ledger(view),
        "stages": reports.stages(view.snapshot),
        "sources": reports.sources(view, selection),
        "refused": reports.refused(view.status),
        "feeds": reports.feeds(view.status),
        "services": reports.services(view, now),
    }


def _numbers(view: PageView, off: tuple[str, int] | None) -> Part:
    snapshot, status = view.snapshot, view.status
    latency = snapshot.latencies.get("end_to_end") if snapshot else None
    rate = reports.rate(view.trend)
    worst = f"with the clock of {off[0]}" if off else f"worst {formats.duration(latency.max_ns if latency else None)}"
    return {
        "kind": "cards",
        "cards": [
            ["Trades/s", formats.NONE if rate is None else f"{rate:,.0f}", "last 5 s", ""],
            ["p50 sent → applied", formats.duration(latency.p50_ns if latency else None), "last minute", ""],
            ["p99 sent → applied", formats.duration(latency.p99_ns if latency else None), worst, "warn" if off else ""],
            ["Waiting", formats.count(status.unapplied_trades if status else None), "trades", ""],
            ["Refused", formats.count(status.ledger.refused if status else None), "messages", ""],
            ["Trades a batch", _batch(status), _largest(status), ""],
        ],
    }


def _batch(status: IngestStatus | None) -> str:
    sizes = status.batch_sizes if status else None
    return f"{sizes.trades / sizes.batches:,.1f}" if sizes and sizes.batches else formats.NONE


def _largest(status: IngestStatus | None) -> str:
    return f"largest {status.batch_sizes.largest:,}" if status else "no batches"
