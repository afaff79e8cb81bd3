"""Which alerts fire and whether anybody is called, asked from Prometheus where one is named."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from telemetry_runtime import Clock
from ui.state import Backend

EVERY_S: Final = 10.0
WAIT_S: Final = 3.0
_SHOWN_LABELS: Final = ("source", "feed", "symbol", "reason", "job")


class Alerts(Protocol):
    """Who knows which alerts fire."""

    async def firing(self) -> Sequence[str]:
        """Their names; none where nobody answers."""
        ...

    async def receivers(self) -> int | None:
        """How many ways there are to call somebody; None where it is not known."""
        ...


class _Alert(BaseModel):
    state: str
    labels: dict[str, str]


class _Answer(BaseModel):
    class Data(BaseModel):
        alerts: list[_Alert]

    data: Data


class _Value(BaseModel):
    class Data(BaseModel):
        class Sample(BaseModel):
            value: tuple[float, float]

        result: list[Sample]

    data: Data


class PrometheusAlerts:
    """Asks one Prometheus."""

    def __init__(self, url: str) -> None:
        self._alerts = URL(url) / "api/v1/alerts"
        # Without a sample, Alertmanager is not scraped: that is no word about receivers.
        self._receivers = URL(url) / "api/v1/query" % {"query": "sum(alertmanager_integrations)"}

    async def firing(self) -> Sequence[str]:
        """Names of firing alerts, each with what it is about; an answer that makes no sense is none."""
        try:
            return _names(await _get(self._alerts))
        except (aiohttp.ClientError, TimeoutError, ValidationError):
            return ()

    async def receivers(self) -> int | None:
        """As Alertmanager counts them; an answer that makes no sense is none."""
        try:
            samples = _Value.model_validate_json(await _get(self._receivers)).data.result
            return int(samples[0].value[1]) if samples else None
        except (aiohttp.ClientError, TimeoutError, ValueError, OverflowError):
            return None


async def _get(url: URL) -> bytes:
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        return await answer.read()


async def follow_alerts(alerts: Alerts, backend: Backend, clock: Clock) -> None:
    """Asks again and again."""
    while True:
        backend.alerts = await alerts.firing()
        backend.receivers = await alerts.receivers()
        await clock.sleep(EVERY_S)


def _names(answer: bytes) -> list[str]:
    firing = [one.labels for one in _Answer.model_validate_json(answer).data.alerts if one.state == "firing"]
    # The watchdog has the severity `none`: it always fires, so that its silence is noticed.
    return sorted({_name(labels) for labels in firing if labels.get("severity") != "none"})


def _name(labels: dict[str, Any]) -> str:
    about = next((labels[name] for name in _SHOWN_LABELS if name in labels), "")
    return f"{labels.get('alertname', 'unnamed')} ({about})" if about else str(labels.get("alertname", "unnamed"))
