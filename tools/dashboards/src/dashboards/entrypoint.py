"""`build-dashboards`: writes the dashboards of this package as JSON files."""

import argparse
import sys
from pathlib import Path

from dashboards.rendering import rendered

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "grafana" / "dashboards"


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
