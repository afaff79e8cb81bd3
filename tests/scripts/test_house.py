"""The figures of the code: no circles, small functions."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 45


def rows() -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "house.py"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:]]


def test_no_file_imports_itself_by_way_of_others_and_no_function_is_long() -> None:
    found = rows()
    assert {"ingest", "analytics", "telemetry_schema", "loadtest"} <= {row[0] for row in found}
    assert [row for row in found if row[5] != "0"] == []
    assert [row for row in found if int(row[6].split("/")[-1]) > MOST_LINES] == []
