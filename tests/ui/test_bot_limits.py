"""The page's limits are those of the alerts' file, whatever becomes of it."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from telemetry_runtime.fakes import FakeClock
from ui.bot_limits import LOOK_EVERY_S, LimitsFile, read_limits
from ui.wire import BotLimits

RULE = "      - record: limit:drawdown:quote\n        expr: vector({})\n"


def test_each_rule_is_read_and_what_is_missing_is_as_it_comes() -> None:
    assert read_limits(RULE.format("2.5e3")) == BotLimits(drawdown_quote=2_500.0)
    assert read_limits("") == BotLimits()


@pytest.mark.parametrize("value", ["abc", "NaN", "+Inf", "-1", ""])
def test_a_limit_that_is_no_number_is_as_it_comes(value: str) -> None:
    assert read_limits(RULE.format(value)) == BotLimits()


def test_a_changed_file_is_read_again_after_some_seconds_and_one_that_is_gone_leaves_its_limits(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "limits.yml"
    limits = LimitsFile(path, monotonic_ns=clock.monotonic_ns)

    def after_a_while() -> float:
        clock.suspend(LOOK_EVERY_S)
        return limits().drawdown_quote

    assert limits() == BotLimits(), "there is no file"
    path.write_text(RULE.format(5), encoding="utf-8")
    assert limits() == BotLimits(), "not looked at yet"
    assert after_a_while() == 5
    path.write_text(RULE.format(70), encoding="utf-8")
    assert after_a_while() == 70
    path.unlink()
    with capture_logs() as logs:
        assert after_a_while() == after_a_while() == 70
    assert [line["event"] for line in logs] == ["limits_unreadable"]
    path.write_bytes(b"\xff\xfe")
    with capture_logs():
        assert after_a_while() == 70
    path.write_text(RULE.format(8), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert after_a_while() == 8, "older than before, and another one"
