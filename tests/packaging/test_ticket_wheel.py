"""The ticket's wheel has what a browser needs: without it the image would show a page without a ticket."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.packaging.test_declared_dependencies import ROOT, find_uv

SOURCES = ROOT / "libs" / "ticket" / "src"


def test_scripts_styles_and_the_manifest_are_in_the_wheel(tmp_path: Path) -> None:
    command = (find_uv(), "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", tmp_path)
    done = subprocess.run(
        (*command, ROOT / "libs" / "ticket"), capture_output=True, text=True, check=False, timeout=50, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    wanted = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*")
        if path.suffix in {".py", ".js", ".css", ".toml", ".typed"}
    }
    assert {"telemetry_ticket/pyproject.toml", "telemetry_ticket/assets/ticket.js"} <= wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
