"""Settings come from the environment, with defaults for one machine."""

import pytest

from analytics.environment import AnalyticsSettings
from telemetry_runtime import StartupError


def test_the_defaults_suit_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANALYTICS_UI_ENDPOINTS", raising=False)
    settings = AnalyticsSettings.load()
    assert settings.pull_endpoint == "tcp://127.0.0.1:5556"
    assert settings.progress_endpoint == "tcp://127.0.0.1:5558"
    assert settings.ui_endpoints == ("tcp://127.0.0.1:5557",)
    assert (settings.http_port, settings.max_symbols) == (8001, 200)


def test_an_empty_list_of_uis_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_UI_ENDPOINTS", "")
    assert AnalyticsSettings.load().ui_endpoints == ()


def test_several_uis_are_separated_by_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_UI_ENDPOINTS", "tcp://a:1 tcp://b:2")
    assert AnalyticsSettings.load().ui_endpoints == ("tcp://a:1", "tcp://b:2")


def test_more_symbols_than_there_is_room_for_are_refused_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANALYTICS_MAX_SYMBOLS", "5000")
    with pytest.raises(StartupError, match="ANALYTICS_MAX_SYMBOLS"):
        AnalyticsSettings.load()
