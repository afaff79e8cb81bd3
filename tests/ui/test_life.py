"""The UI's real processes without a backend: start, what they show, and the end of both."""

import socket
from pathlib import Path

import psutil

from tests.helpers.desk import Desk
from tests.helpers.services import eventually

OUTCOMES = ("accepted", "refused", "duplicate", "ignored")


def test_it_starts_alone_misses_both_services_and_ends_cleanly_with_its_page(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        eventually(desk.ui.start()._is_ready, within_s=50, what="the page")
        metrics = desk.ui.metrics()
        page = psutil.Process(desk.page_pid())
        assert metrics.value("telemetry_ui_page_starts_total") == 1
        assert {each["outcome"] for each in metrics.labels("telemetry_messages_total")} == set(OUTCOMES)
        assert metrics.value("telemetry_build_info", service="ui", version="0.1.0") == 1
        assert metrics.value("telemetry_ui_silence_seconds", service="analytics") > 0
        assert desk.ui.stop() == 0
        assert not page.is_running()


def test_a_taken_page_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        port = int(desk.page_url.rpartition(":")[2])
        with socket.create_server(("127.0.0.1", port)):
            assert desk.ui.start().process.wait(20) == 1
        (line,) = desk.ui.log().strip().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "set UI_PAGE_PORT" in line


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    with Desk(tmp_path, UI_HISTORY_S="5") as desk:
        assert desk.ui.start().process.wait(20) == 1
        assert "UI_HISTORY_S" in desk.ui.log()
