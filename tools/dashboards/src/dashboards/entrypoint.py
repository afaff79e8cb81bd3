"""`build-dashboards`: writes the dashboards of this package as JSON files."""

import argparse
import sys
from pathlib import Path
from typing import Final

from dashboards.rendering import rendered

ROOT: Final = Path(__file__).resolve().parents[4]
FOLDER: Final = ROOT / "grafana" / "dashboards"


def main() -> int:
    """Writes the files."""
    parser = argparse.ArgumentParser(prog="build-dashboards", description="Writes the Grafana dashboards from code.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files go (default: %(default)s)")
    _write(parser.parse_args().folder)
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


if __name__ == "__main__":
    sys.exit(main())
