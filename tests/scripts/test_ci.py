"""CI runs all of its steps, and says at the end which of them failed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAKEFILE = """
VENV := .venv
all-is-well:
setup:
\t@mkdir -p $(VENV)/bin && ln -sf /bin/true $(VENV)/bin/python && ln -sf /bin/true $(VENV)/bin/pytest; {setup}
test coverage fuzz:
\t@echo "{{$@}}"
test-browser:
\t@echo "{{$@}}"; {browser}
test-stack:
\t@echo "{{$@}}"; {stack}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose targets do next to nothing, on a machine that has all programs."""
    for folder in ("bin", ".ci", "scripts", "tests/browser", "tests/stack"):
        (tmp_path / folder).mkdir(parents=True)
    for program in ("chromium", "ip", "unshare", "gcc"):
        (tmp_path / "bin" / program).symlink_to("/bin/true")
    (tmp_path / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    (tmp_path / "scripts" / "engine.sh").symlink_to("/bin/true")
    for folder in ("browser", "stack"):
        (tmp_path / "tests" / folder / "test_it.py").touch()
    return tmp_path


def ci(checkout: Path, *, setup: str = "true", browser: str = "true", stack: str = "true") -> tuple[int, str]:
    """Exit code and output of a run in which these commands are what the targets end with."""
    (checkout / "Makefile").write_text(MAKEFILE.format(setup=setup, browser=browser, stack=stack))
    done = subprocess.run(
        ["bash", ".ci/run"],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_ci_is_green_when_each_step_is(checkout: Path) -> None:
    code, output = ci(checkout)
    assert code == 0, output
    for target in ("test", "fuzz", "coverage", "test-browser", "test-stack"):
        assert f"{{{target}}}" in output
    assert "FAILED" not in output


def test_a_step_that_fails_does_not_hide_what_the_others_find(checkout: Path) -> None:
    code, output = ci(checkout, browser="echo 'FAILED tests/browser/test_it.py::test_a - it'; false")
    assert code == 1
    assert "{test-stack}" in output
    assert output.splitlines()[-2:] == ["FAILED tests/browser/test_it.py::test_a - it", "=== FAILED: browser tests"]


def test_all_steps_that_failed_are_named_at_the_end(checkout: Path) -> None:
    code, output = ci(checkout, browser="false", stack="echo 'ERROR tests/stack/test_it.py'; exit 3")
    assert code == 1
    assert output.splitlines()[-2:] == ["ERROR tests/stack/test_it.py", "=== FAILED: browser tests, stack tests"]


def test_without_an_environment_there_is_nothing_to_try(checkout: Path) -> None:
    code, output = ci(checkout, setup="false")
    assert code == 1
    assert "{test}" not in output
    assert output.splitlines()[-1] == "=== FAILED: set-up"
