"""Analytics' settings: the only reader of its environment variables (`ANALYTICS_…`)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from analytics.engine import LABEL_IDLE_S
from telemetry_runtime import Endpoints, Positive, ServiceSettings


class AnalyticsSettings(ServiceSettings):
    """All that can be set, with defaults for one machine."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_")

    pull_endpoint: str = Field(default="tcp://127.0.0.1:5556", description="Where ingest pushes batches.")
    progress_endpoint: str = Field(
        default="tcp://127.0.0.1:5558", description="Where progress (acknowledgements) is pushed to ingest."
    )
    ui_endpoints: Endpoints = Field(
        default=("tcp://127.0.0.1:5557",),
        description="Where snapshots and confirmations are pushed; may be empty.",
    )
    http_port: int = Field(default=8001, ge=0, le=65_535, description="Port of /metrics, /healthz and /readyz.")
    data_dir: Path = Field(
        default=Path("data/analytics"), description="For what is to outlive a restart; empty for now."
    )

    max_symbols: int = Field(
        default=200,
        ge=1,
        le=1_000,
        description="Symbols of each origin (market, own) with a label of their own; the rest is `other`.",
    )
    max_sources: int = Field(
        default=100, ge=1, le=1_000, description="Sources with a label of their own; the rest is `other`."
    )
    label_idle_s: Positive = Field(
        default=LABEL_IDLE_S,
        description="After this long without trades, in s, a name gives its label to a new one that has none.",
    )
    recent_trades: int = Field(
        default=512, ge=2, le=65_536, description="Raw trades kept of each symbol, for quantiles and times of arrival."
    )
    snapshot_interval_s: Positive = Field(default=0.25, description="Time from one snapshot to the next, in s.")
    quiet_s: Positive = Field(
        default=2.0, description="At a stop, how long nothing may come before analytics stops waiting for ingest, in s."
    )
