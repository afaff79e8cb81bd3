"""Where the stack is, by the settings of `make run` and `make up`: the environment, and .env in the current folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from loadtest.options import Target

HOST = "127.0.0.1"


def settings(folder: Path) -> dict[str, str]:
    """What is set in the environment, and what .env sets besides."""
    return {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None} | dict(
        os.environ
    )


def target_of(settings: Mapping[str, str]) -> Target:
    """The addresses of `make run` where they are set, else the ports that `make up` publishes, else the defaults."""
    default = Target()
    endpoint = settings.get("INGEST_PULL_ENDPOINT") or _with_port(settings, "TRADES_PORT", "tcp", default.endpoint)
    return Target(
        endpoint=endpoint,
        ingest_url=_metrics(settings, "INGEST", default.ingest_url),
        analytics_url=_metrics(settings, "ANALYTICS", default.analytics_url),
        grafana_url=_with_port(settings, "GRAFANA_PORT", "http", default.grafana_url),
    )


def _metrics(settings: Mapping[str, str], service: str, default: str) -> str:
    port = settings.get(f"{service}_HTTP_PORT")
    if port:
        return f"http://{settings.get(f'{service}_HTTP_HOST') or HOST}:{port}"
    return _with_port(settings, f"{service}_METRICS_PORT", "http", default)


def _with_port(settings: Mapping[str, str], name: str, scheme: str, default: str) -> str:
    return f"{scheme}://{HOST}:{settings[name]}" if settings.get(name) else default
