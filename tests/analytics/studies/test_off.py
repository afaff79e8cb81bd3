"""With all studies off no worker is started, and pandas is imported nowhere; with them on, only in the worker."""

import subprocess
import sys

import pytest

from analytics.entrypoint import _engine, _studies
from analytics.environment import AnalyticsSettings
from analytics.studies.runner.studies import EngineTrades
from telemetry_runtime import SystemClock


def test_the_service_itself_does_not_import_pandas() -> None:
    code = "import sys, analytics.entrypoint; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("settings", "there"),
    [
        ({"studies": (), "studies_builtin": False}, False),
        ({"studies": ("nowhere-by-default",), "studies_builtin": False}, True),
        ({"studies": ()}, True),
        ({"frame_rows": 0}, False),
    ],
)
def test_a_worker_is_there_where_there_may_be_a_study(settings: dict[str, object], there: bool) -> None:  # noqa: FBT001
    made = AnalyticsSettings.model_validate(settings)
    engine = _engine(made, made.max_symbols, made.max_sources)
    trades = None if engine.aggregates.ring is None else EngineTrades(engine, engine.aggregates.ring)
    assert (_studies(made, trades, SystemClock()) is not None) == there
