"""The UI's settings: the only reader of its environment variables (`UI_…`)."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from telemetry_runtime import Endpoints, Host, Seconds, ServiceSettings
from telemetry_schema import Source


def _as_base_path(path: str) -> str:
    """With one slash in front and none behind; nothing for the root."""
    inner = path.strip("/")
    return f"/{inner}" if inner else ""


BasePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~/-]*$"), AfterValidator(_as_base_path)]


class UiSettings(ServiceSettings):
    """All that can be set, with defaults for one machine."""

    model_config = SettingsConfigDict(env_prefix="UI_")

    pull_endpoint: str = Field(default="tcp://127.0.0.1:5557", description="Where snapshots and results come in.")
    ingest_endpoint: str = Field(default="tcp://127.0.0.1:5555", description="Where commands are sent.")
    http_port: int = Field(default=8002, ge=0, le=65_535, description="Port of /metrics, /healthz and /readyz.")

    page_host: Host = Field(
        default="127.0.0.1", description="Address of the page; beyond this machine it asks for a password."
    )
    password_file: str = Field(
        default="", description="Who may use the page: names and hashed passwords, as `make password` writes them."
    )
    allow_anyone: bool = Field(
        default=False, description="The page may be reached from other machines without a password."
    )
    page_port: int = Field(default=8501, ge=1, le=65_535, description="Port of the page.")
    page_allowed_hosts: Endpoints = Field(
        default=("localhost", "127.0.0.1", "::1"),
        description="Names by which a browser may call the page (against DNS rebinding); * is any.",
    )
    page_base_path: BasePath = Field(
        default="", description="Path under which a proxy shows the page, such as /desk; it is passed on unchanged."
    )
    page_start_s: Seconds = Field(default=60.0, description="How long the page may take to answer after its start.")
    page_stop_s: Seconds = Field(default=5.0, description="From SIGTERM to SIGKILL, in s.")

    source: Source = Field(default="ui", description="Who the commands are from.")
    confirm_notional: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=50_000.0, description="Orders above this much quote currency ask for a confirmation."
    )
    ask_price_age_s: Seconds = Field(
        default=30.0, description="Orders on a last price older than this ask for a confirmation."
    )
    away_after_s: Seconds = Field(default=1.2, description="Silence after which analytics or ingest counts as away.")
    stale_after_s: Seconds = Field(default=5.0, description="A live feed without a trade for this long is stale.")
    no_answer_after_s: Seconds = Field(default=2.0, description="A command without an answer for this long says so.")
    prometheus_url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = Field(
        default="", description="Prometheus, asked which alerts fire; empty is nobody."
    )
    limits_file: str = Field(
        default="prometheus/rules/limits.yml",
        description="The limits of the alerts about orders; the page shows them too.",
    )
    history_s: int = Field(default=3_600, ge=60, le=3_600, description="Seconds of bars that the charts hold.")
