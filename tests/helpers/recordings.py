"""The recorded market data beside the checkout; a test that needs it is skipped where it is not there.

In CI it is there: a test that cannot find it fails.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"


def recording(name: str) -> Path:
    """The file with that name, as `../shared/data` has it."""
    path = FOLDER / name
    if not path.is_file():
        missing = f"no recording {name} in ../shared/data"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path
