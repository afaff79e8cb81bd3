"""Which alerts fire, asked from Prometheus where one is named."""

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


class _Alert(BaseModel):
    state: str
    labels: dict[str, str]


class _Answer(BaseModel):
    class Data(BaseModel):
        alerts: list[_Alert]

    data: Data


class PrometheusAlerts:
    """Asks one Prometheus."""

    def __init__(self, url: str) -> None:
        self._url = URL(url) / "api/v1/alerts"

    async def firing(self) -> Sequence[str]:
        """Names of firing alerts, each with what it is about; an answer that makes no sense is none."""
        timeout = aiohttp.ClientTimeout(total=WAIT_S)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(self._url) as answer:
                return _names(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValidationError):
            return ()


async def follow_alerts(alerts: Alerts, backend: Backend, clock: Clock) -> None:
    """Asks again and again."""
    while True:
        backend.alerts = await alerts.firing()
        await clock.sleep(EVERY_S)


def _names(answer: bytes) -> list[str]:
    firing = [one.labels for one in _Answer.model_validate_json(answer).data.alerts if one.state == "firing"]
    # The watchdog has the severity `none`: it always fires, so that its silence is noticed.
    return sorted({_name(labels) for labels in firing if labels.get("severity") != "none"})


def _name(labels: dict[str, Any]) -> str:
    about = next((labels[name] for name in _SHOWN_LABELS if name in labels), "")
    return f"{labels.get('alertname', 'unnamed')} ({about})" if about else str(labels.get("alertname", "unnamed"))
