"""Which alerts fire, asked from a Prometheus that answers, answers nonsense, or is not there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from telemetry_runtime import AsyncTaskManager
from telemetry_runtime.fakes import FakeClock
from tests.helpers.views import NOW_NS, at
from ui.alerts import EVERY_S, PrometheusAlerts, follow_alerts
from ui.bars import BarHistory
from ui.state import Backend

FIRING = {"state": "firing", "labels": {"alertname": "TradesLost", "source": "bot-gap"}}
WATCHDOG = {"state": "firing", "labels": {"alertname": "Watchdog", "severity": "none"}}
PENDING = {"state": "pending", "labels": {"alertname": "SourceSilent", "source": "bot-1"}}


@asynccontextmanager
async def _prometheus(body: object) -> AsyncIterator[PrometheusAlerts]:
    async def answer(_request: web.Request) -> web.Response:
        return body if isinstance(body, web.Response) else web.json_response(body)

    app = web.Application()
    for path in ("alerts", "query"):
        app.router.add_get(f"/api/v1/{path}", answer)
    async with TestServer(app) as server:
        yield PrometheusAlerts(str(server.make_url("/")))


async def test_only_what_fires_is_named_with_what_it_is_about() -> None:
    async with _prometheus({"status": "success", "data": {"alerts": [FIRING, PENDING, FIRING, WATCHDOG]}}) as alerts:
        assert await alerts.firing() == ["TradesLost (bot-gap)"]


@pytest.mark.parametrize("body", [{}, {"data": {"alerts": [{"state": 7}]}}, []])
async def test_an_answer_that_makes_no_sense_is_no_alert(body: object) -> None:
    async with _prometheus(body) as alerts:
        assert list(await alerts.firing()) == []


async def test_where_nobody_answers_nothing_fires() -> None:
    assert list(await PrometheusAlerts("http://127.0.0.1:1").firing()) == []


def _sum(*values: object) -> dict[str, object]:
    return {"data": {"result": [{"metric": {}, "value": [1.0, value]} for value in values]}}


@pytest.mark.parametrize(
    ("body", "receivers"), [(_sum("0"), 0), (_sum("2"), 2), (_sum(), None), (_sum("NaN"), None), ({}, None), ([], None)]
)
async def test_whether_anybody_is_called_is_known_only_from_a_count_of_receivers(
    body: object, receivers: int | None
) -> None:
    async with _prometheus(body) as alerts:
        assert await alerts.receivers() == receivers


async def test_where_nobody_answers_receivers_are_not_known() -> None:
    assert await PrometheusAlerts("http://127.0.0.1:1").receivers() is None


class FakeAlerts:
    """Says what the test gave it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def receivers(self) -> int | None:
        return len(self.names)

    async def firing(self) -> list[str]:
        return list(self.names)


async def test_alerts_come_and_go_with_prometheus() -> None:
    alerts, clock = FakeAlerts(), FakeClock(NOW_NS)
    backend = Backend(started=at(NOW_NS), bars=BarHistory(60))
    async with AsyncTaskManager() as tasks:
        tasks.start("alerts", follow_alerts(alerts, backend, clock))
        alerts.names = ["TradesLost"]
        await clock.advance(EVERY_S)
        assert (list(backend.alerts), backend.receivers) == (["TradesLost"], 1)
        alerts.names = []
        await clock.advance(EVERY_S)
        assert list(backend.alerts) == []
