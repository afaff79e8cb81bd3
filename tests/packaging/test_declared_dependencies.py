"""Each package declares all that it imports: it is imported where only its own dependencies are installed.

Its own extras count, those of the members it depends on only where it asks for them: the client imports without NumPy.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = {
    tomllib.loads(path.read_text(encoding="utf-8"))["project"]["name"]: path.parent
    for part in ("libs", "services", "tools")
    for path in sorted(ROOT.glob(f"{part}/*/pyproject.toml"))
}
# One line for each module: its name; nothing but imports, in a fresh interpreter that sees only that environment.
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""
pytestmark = pytest.mark.timeout(180)


def find_uv() -> str:
    own = ROOT / ".tools/uv/bin/uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        pytest.fail("no uv found: run `make setup`")
    return uv


def run(*command: str) -> str:
    # The warnings filter of this test run is no business of the programs it starts.
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONWARNINGS", "PYTHONPATH", "VIRTUAL_ENV"}
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, f"{' '.join(command[:6])} …\n{done.stdout}\n{done.stderr}"
    return done.stdout


def members_needed_by(name: str) -> set[str]:
    """The project itself and the members of the workspace that it depends on, directly or not."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        project = wanted.pop()
        if project in found:
            continue
        found.add(project)
        table = tomllib.loads((PROJECTS[project] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        declared = (
            line.partition("[")[0].partition(">")[0].partition(";")[0].strip() for line in table["dependencies"]
        )
        wanted += [dependency for dependency in declared if dependency in PROJECTS]
    return found


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_every_module_imports_with_its_own_dependencies_only(name: str, tmp_path: Path) -> None:
    uv, environment = find_uv(), tmp_path / "venv"
    python = str(environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    members = members_needed_by(name)
    names = tmp_path / "names.txt"
    run(uv, "venv", "--no-project", "--python", sys.executable, str(environment))
    run(
        *(uv, "pip", "compile", str(PROJECTS[name] / "pyproject.toml"), "--constraint", "requirements.lock"),
        *("--all-extras", "--python", python, "--output-file", str(names)),
        *(word for member in sorted(members) for word in ("--no-emit-package", member)),
    )
    run(
        *(uv, "pip", "install", "--python", python, "--no-deps", "--require-hashes"),
        *("--requirement", str(names), "--constraint", "requirements.lock"),
    )
    # The members come in by path: how they are built is what the images and `make setup` prove.
    site_packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    paths = [str(PROJECTS[member] / "src") for member in sorted(members)]
    (site_packages / "members.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")

    packages = [path for path in (PROJECTS[name] / "src").iterdir() if (path / "__init__.py").exists()]
    # Grafana's SDK warns of the classic dashboards, which are those that we write.
    warnings = ("-W", "error", "-W", "ignore:Prefer using dashboardv2:DeprecationWarning")
    imported = [one for each in packages for one in run(python, "-I", *warnings, "-c", IMPORT_ALL, each.name).split()]
    sources = [
        path
        for package in packages
        for path in package.rglob("*.py")
        if path.name not in {"__init__.py", "__main__.py"}
    ]
    assert len(imported) >= len(sources)
