"""Writes docs/stack.md from reports/stack.json, which `make test-stack` leaves behind.

For figures of a cold build, run it where the engine has neither layers nor a cache: `docker builder prune --all` first.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MB = {"ingest": "100", "analytics": "220"}
DASHBOARDS = ("Trading", "Microstructure", "Orders", "Profit", "Pipeline", "Load test")
HIDDEN = {"__name__", "instance", "job"}
DOCS = """\
# The stack, measured

Written by `scripts/stack_docs.py` from what `make test-stack` measured and was answered on {day}, on a machine with
{cores} cores that had other work to do. The engine was Docker; Grafana's image could {grafana}be had there.

## Figures

| figure | measured | limit |
|---|---|---|
{figures}

Sizes are those of the image without its base, `python:3.13-slim-bookworm`, in MB of 10⁶ bytes. The build is that of all
images from nothing: no layer, no cache of packages. The start is from `docker compose up`, with the images built, until
every container is healthy.

## Every expression of every panel

Asked of the real Prometheus while trades of two sources and three symbols and the orders of a simulated bot flowed,
with `$symbol` = BTC-USD, all others = All, `$candle` = 10s, `$stage` = end_to_end (of orders: ack),
`$__rate_interval` = 4s and `$__range` = 5m. `make test-stack` fails when one of them is empty or is no valid PromQL; it
asks the expressions of the rules under `prometheus/` as well.
{tables}"""


def figures(measured: dict[str, Any]) -> list[str]:
    """The rows of the first table."""
    services = [name for name in measured["services"] if f"{name}_mb" in measured]
    sizes = [
        f"| size that the image of {name} adds | {measured[f'{name}_mb']:.0f} MB | {_limit(name)} |"
        for name in services
    ]
    build = f"| cold build of all {len(services)} images | {measured['build_s']:.0f} s | – |"
    return [*sizes, build, f"| start until all is healthy | {measured['up_s']:.1f} s | 20 s |"]


def _limit(service: str) -> str:
    return f"{LIMIT_MB[service]} MB" if service in LIMIT_MB else "–"


def table(dashboard: str, rows: list[list[Any]]) -> str:
    """One dashboard's expressions."""
    lines = [f"\n### {dashboard}\n", "| panel | query | expression | series | a sample |", "|---|---|---|---|---|"]
    for _, panel, ref, expr, series, value, labels in rows:
        shown = ", ".join(f"{name}={text}" for name, text in labels.items() if name not in HIDDEN)
        sample = "none in this flow" if value is None else f"{value:.6g}" + (f" ({shown})" if shown else "")
        escaped = expr.replace("|", "\\|")
        lines.append(f"| {panel} | {ref} | `{escaped}` | {series} | {sample} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the file."""
    measured = json.loads((ROOT / "reports" / "stack.json").read_text(encoding="utf-8"))
    tables = [table(name, [row for row in measured["expressions"] if row[0] == name]) for name in DASHBOARDS]
    text = DOCS.format(
        day=datetime.now(UTC).date(),
        cores=os.cpu_count(),
        grafana="" if "grafana" in measured["services"] else "not ",
        figures="\n".join(figures(measured)),
        tables="".join(tables),
    )
    (ROOT / "docs" / "stack.md").write_text(text, encoding="utf-8")
    print(f"docs/stack.md: {len(measured['expressions'])} expressions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
