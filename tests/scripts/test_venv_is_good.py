"""When `make` may use .venv as it is, and when it has to be made anew."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHER_PYTHON = "#!/bin/sh\necho 3.12.99 of another make\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in small whose .venv was made where it is."""
    top = tmp_path / "check out ø"
    (top / "scripts").mkdir(parents=True)
    (top / "scripts/venv_is_good.sh").symlink_to(ROOT / "scripts/venv_is_good.sh")
    (top / ".venv/bin").mkdir(parents=True)
    (top / ".venv/bin/python").symlink_to(sys.executable)
    (top / ".venv/.setup-stamp").write_text(f"{top}\n", encoding="utf-8")
    return top


def is_good(checkout: Path, python: str = "") -> bool:
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": python}
    done = subprocess.run(["scripts/venv_is_good.sh"], cwd=checkout, env=environment, check=False)
    return done.returncode == 0


def test_an_environment_that_was_made_here_is_used(checkout: Path) -> None:
    assert is_good(checkout)
    assert is_good(checkout, python=sys.executable)


def test_an_environment_without_its_interpreter_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv/bin/python").unlink()
    (checkout / ".venv/bin/python").symlink_to("/usr/bin/python3.99")
    assert not is_good(checkout)


def test_a_moved_environment_is_made_anew(checkout: Path) -> None:
    assert not is_good(checkout.rename(checkout.with_name("moved")))


def test_an_environment_of_another_python_than_asked_for_is_made_anew(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "python-of-another-version"
    other.write_text(OTHER_PYTHON, encoding="utf-8")
    other.chmod(0o755)
    assert not is_good(checkout, python=str(other))


def test_an_environment_whose_set_up_did_not_end_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv/.setup-stamp").unlink()
    assert not is_good(checkout)
