"""What a bot loads when it imports the client."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["numpy", "pandas", "msgspec", "aiohttp", "structlog", "prometheus_client"])
def test_a_bot_does_not_load(module: str) -> None:
    code = f"import sys, telemetry_client; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
