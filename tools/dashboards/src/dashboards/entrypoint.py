"""`build-dashboards`: writes the dashboards of this package as JSON files."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.load_test import load_test
from dashboards.pipeline import pipeline
from dashboards.trading import trading

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "grafana" / "dashboards"

DASHBOARDS: dict[str, Callable[[], Dashboard]] = {"trading": trading, "pipeline": pipeline, "load-test": load_test}


def rendered() -> dict[str, str]:
    """The file names and their content."""
    return {f"{name}.json": _json(build) for name, build in DASHBOARDS.items()}


def _json(build: Callable[[], Dashboard]) -> str:
    model = json.loads(JSONEncoder().encode(build().build()))
    for variable in model["templating"]["list"]:
        # The SDK gives every variable the settings of an interval variable, which Grafana's schema allows none of ours.
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    return json.dumps(model, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the files; other JSON files in the folder are removed, as Grafana would show them too."""
    parser = argparse.ArgumentParser(prog="build-dashboards", description="Writes the Grafana dashboards from code.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go (default: %(default)s)")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    files = rendered()
    for old in set(folder.glob("*.json")) - {folder / name for name in files}:
        old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / name}: {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
