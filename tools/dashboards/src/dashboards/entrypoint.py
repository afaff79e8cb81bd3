"""`build-dashboards`: writes the dashboards of this package as JSON files, or draws one of them."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dashboards.picture.data import View
from dashboards.picture.page import draw
from dashboards.prometheus import Prometheus
from dashboards.rendering import rendered

ROOT: Final = Path(__file__).resolve().parents[4]
FOLDER: Final = ROOT / "grafana" / "dashboards"
CAPTION: Final = """\
Drawn by build-dashboards from {file} with the answers of a real Prometheus in the running stack, {day}.
No screenshot of Grafana: layout, queries, units and colours are the dashboard's own, the drawing is matplotlib's."""


def main() -> int:
    """Writes the files, or the picture where one is asked for."""
    parser = argparse.ArgumentParser(prog="build-dashboards", description="Writes the Grafana dashboards from code.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go (default: %(default)s)")
    parser.add_argument("--picture", type=Path, help="draw a dashboard into this PNG file instead")
    parser.add_argument("--draw", default="trading", help="the dashboard of the picture (default: %(default)s)")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="whom to ask (default: %(default)s)")
    parser.add_argument("--symbol", default="BTC-USD", help="its symbol (default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=15, help="the time range of the picture (default: %(default)s)"
    )
    options = parser.parse_args()
    if options.picture:
        _draw(options.folder / f"{options.draw}.json", options)
    else:
        _write(options.folder)
    return 0


def _write(folder: Path) -> None:
    """Other JSON files in the folder are removed: Grafana would show them too."""
    folder.mkdir(parents=True, exist_ok=True)
    files = rendered()
    for old in set(folder.glob("*.json")) - {folder / name for name in files}:
        old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name}: {len(text)} bytes")


def _draw(file: Path, options: argparse.Namespace) -> None:
    now_s = time.time()
    chosen = {"symbol": options.symbol, "source": ".*", "candle": "10s", "stage": "end_to_end"}
    variables = chosen | {"__range": f"{options.minutes * 60:.0f}s"}
    view = View(Prometheus(options.prometheus), variables, now_s - options.minutes * 60, now_s)
    caption = CAPTION.format(file=f"grafana/dashboards/{file.name}", day=datetime.fromtimestamp(now_s, UTC).date())
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    draw(json.loads(file.read_text(encoding="utf-8")), view, caption).savefig(options.picture)
    print(f"{options.picture}: {options.picture.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
