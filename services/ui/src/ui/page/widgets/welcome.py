"""What an empty page shows: how to send a trade, or where the trades are stuck. Pure."""

from typing import Final

from ui.page.model.parts import Part
from ui.page.model.view import PageView

SNIPPET: Final = """from telemetry_client import Publisher
with Publisher(source="my-bot") as publisher:
    publisher.trade("BTC-USD", "buy", qty=0.1, price=60_000.0)"""


def part(view: PageView) -> Part:
    """The panel's part."""
    held = view.status.unapplied_trades if view.status else None
    accepted = view.status.accepted_trades if view.status else 0
    if accepted and view.snapshot is None:
        text = (
            f"Ingest has accepted {accepted:,} trades, but analytics does not report to this page. "
            "See whether it runs, and whether ANALYTICS_UI_ENDPOINTS names this page's UI_PULL_ENDPOINT."
        )
        return {"kind": "note", "title": "No prices yet", "sub": "", "text": text, "code": ""}
    if held or accepted:
        text = (
            f"Ingest holds {held or accepted:,} trades that analytics has not applied. "
            "See whether it runs, and whether INGEST_ANALYTICS_ENDPOINT names its ANALYTICS_PULL_ENDPOINT."
        )
        return {"kind": "note", "title": "No prices yet", "sub": "", "text": text, "code": ""}
    text = "No trades yet. These three lines send one:"
    return {"kind": "note", "title": "Nothing has come in", "sub": "", "text": text, "code": SNIPPET}
