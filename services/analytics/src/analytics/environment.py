"""Analytics' settings: the only reader of its environment variables (`ANALYTICS_…`)."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, Json
from pydantic_settings import SettingsConfigDict

from analytics.engine import LABEL_IDLE_S, MAX_BOOKS
from telemetry_runtime import Directory, Endpoints, Seconds, ServiceSettings

DEFAULT_STUDIES = "studies"
"""A folder of the user's own; that it is missing is no error."""


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
    data_dir: Directory = Field(default=Path("data/analytics"), description="Checkpoints: all that outlives a restart.")
    checkpoint_interval_s: Seconds = Field(
        default=1.0, description="Time from one checkpoint to the next, in s: what ingest's log holds at least."
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
    fill_authorities: Json[dict[str, str]] = Field(
        default="{}",
        validate_default=True,
        description='JSON: the source whose fills count for an account, as in {"main": "drop-copy"}; else the first.',
    )
    max_books: int = Field(
        default=MAX_BOOKS,
        ge=1,
        le=1_000,
        description="Books of own orders (account, strategy, symbol) with labels of their own; the rest is `other`.",
    )
    label_idle_s: Seconds = Field(
        default=LABEL_IDLE_S,
        description="After this long without trades, in s, a name gives its label to a new one that has none.",
    )
    studies: Endpoints = Field(
        default=(DEFAULT_STUDIES,),
        description="Files, folders and modules with studies of your own; missing is no error.",
    )
    studies_builtin: bool = Field(default=True, description="Whether the microstructure set runs.")
    studies_off: Endpoints = Field(default=(), description="Studies that do not run, by name.")
    study_parameters: Json[dict[str, dict[str, Any]]] = Field(
        default="{}", validate_default=True, description='JSON, as in {"large_trade_volume": {"multiple": 10}}.'
    )
    study_budget_s: Seconds = Field(default=1.0, description="A run that takes longer is ended, in s.")
    study_memory_bytes: int = Field(
        default=256 * 1024 * 1024, ge=16 * 1024 * 1024, description="What all studies together may allocate."
    )
    study_max_failures: int = Field(default=20, ge=1, description="Failures in a row that disable a study.")
    study_max_series: int = Field(default=20_000, ge=1, description="Series of all studies together.")
    frame_rows: int = Field(
        default=4_096, ge=0, le=65_535, description="Trades of each symbol kept for studies and /trades; 0 is neither."
    )
    recent_trades: int = Field(
        default=512, ge=2, le=65_536, description="Raw trades kept of each symbol, for quantiles and times of arrival."
    )
    snapshot_interval_s: Seconds = Field(default=0.25, description="Time from one snapshot to the next, in s.")
    quiet_s: Seconds = Field(
        default=2.0, description="At a stop, how long nothing may come before analytics stops waiting for ingest, in s."
    )


def environment_of_children() -> dict[str, str]:
    """The environment variables that a process started by this one gets."""
    return dict(os.environ)
