"""Ingest's settings: the only reader of its environment variables (`INGEST_…`)."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ingest.storage.log.group_commit import SyncMode
from telemetry_runtime import Directory, Endpoints, Positive, Seconds, ServiceSettings
from telemetry_schema import Account

SIMULATED_BOT = "sim-orders://bot-1?rate=2&lost=0&rejects=0.01&lot=0.0001&reports=0&symbols=BTC-PERP-USD,ETH-PERP-USD"
"""Lets all views of orders live at once, away from what alerts are about: three rejects of a hundred cross the limit of
five at times, with lots of 0.1 the fees alone reach that of the drawdown, and after a restart of ingest a new bot does
not know what the one before held. Its symbols are its own: its quotes are no prices of the simulated market."""


class IngestSettings(ServiceSettings):
    """All that can be set, with defaults for one machine."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    feeds: Endpoints = Field(
        default=("sim://BTC-USD,ETH-USD,SOL-USD?rate=50", SIMULATED_BOT), description="Feed URIs, with blanks between."
    )
    pull_endpoint: str = Field(default="tcp://127.0.0.1:5555", description="Where clients connect.")
    acks_endpoint: str = Field(
        default="tcp://127.0.0.1:5559", description="Where durable clients get their acknowledgements; empty: nowhere."
    )
    analytics_endpoint: str = Field(default="tcp://127.0.0.1:5556", description="Where batches are pushed.")
    progress_endpoint: str = Field(default="tcp://127.0.0.1:5558", description="Where analytics reports progress.")
    ui_endpoints: Endpoints = Field(
        default=("tcp://127.0.0.1:5557",), description="Where results and the status are pushed; may be empty."
    )
    curve_clients_dir: str = Field(
        default="", description="Folder with the public keys of the clients that may connect, as `bot.pub`."
    )
    http_port: int = Field(default=8000, ge=0, le=65_535, description="Port of /metrics, /healthz and /readyz.")
    data_dir: Directory = Field(default=Path("data/ingest"), description="Dead letters, and what outlives a restart.")

    max_ahead_s: Seconds = Field(default=5.0, description="A trade further ahead of our clock is refused, in s.")
    max_price_abs: Positive = Field(
        default=1e12, description="A trade at a price beyond it, of either sign, is refused."
    )
    max_qty: Positive = Field(default=1e15, description="A trade of more units of base is refused.")
    max_notional: Positive = Field(default=1e15, description="A trade of more quote currency is refused.")
    max_messages_per_s: float = Field(
        default=0, ge=0, allow_inf_nan=False, description="Messages a second of one source; more are refused. 0: any."
    )
    max_bytes_per_s: float = Field(
        default=0, ge=0, allow_inf_nan=False, description="Bytes a second of one source; more are refused. 0: any."
    )
    gather_us: int = Field(
        default=400,
        ge=0,
        le=100_000,
        description="How long a trade may wait for those behind it, in µs, from some hundred a second on. 0: never.",
    )
    max_sources: int = Field(default=100, ge=1, description="Sources with a label of their own; the rest is `other`.")
    source_idle_s: Seconds = Field(
        default=3600.0, description="A source that was silent for longer gives its label up to a new one, in s."
    )
    max_runs: int = Field(default=4096, ge=1, description="Runs whose numbers are followed at a time.")
    run_idle_s: Seconds = Field(
        default=604_800.0, description="A run that was silent for longer is forgotten, in s; a week."
    )
    unfinished_after_s: Seconds = Field(
        default=30.0, description="A run that reports to be alive is unfinished when it was silent for longer, in s."
    )
    log: Literal["disk", "memory"] = Field(
        default="disk", description="Where accepted trades are held for analytics; memory loses them in a crash."
    )
    log_sync: SyncMode = Field(
        default="os", description="When the log is put on disk: os, interval, or burst (before it is delivered)."
    )
    log_sync_interval_s: Seconds = Field(default=0.1, description="The interval, in s: what a power cut may cost.")
    log_max_bytes: int = Field(
        default=1024 * 1024 * 1024, ge=64 * 1024 * 1024, description="The log's size; then clients wait."
    )
    log_max_age_s: Seconds = Field(
        default=86_400.0, description="What analytics has in a checkpoint leaves the log before it is that old, in s."
    )
    dead_letter_file_bytes: int = Field(default=8 * 1024 * 1024, ge=4096, description="A file is rotated at this size.")
    dead_letter_files: int = Field(default=4, ge=1, le=99, description="Files kept, with the one being written.")
    audit_file_bytes: int = Field(
        default=8 * 1024 * 1024, ge=4096, description="The file of commands and answers is rotated at this size."
    )
    audit_files: int = Field(default=8, ge=1, le=99, description="Files of commands kept, with the one being written.")

    desk_account: Account = Field(default="paper", description="Account that commands of the UI trade on.")
    desk_max_qty: Positive = Field(default=100.0, description="Most units of base in one command.")
    desk_max_notional: Positive = Field(default=250_000.0, description="Most quote currency in one command.")
    desk_price_band_ratio: Positive = Field(default=0.05, description="How far a price may be from the last one.")
    desk_max_commands_per_s: Positive = Field(default=10.0, description="Commands a second, over 1 s.")
    desk_max_age_s: Seconds = Field(default=10.0, description="A command that took longer to arrive is refused, in s.")
    desk_max_price_age_s: Seconds = Field(
        default=60.0, description="An order is refused when the last live price is older, in s."
    )
    desk_max_open_orders: int = Field(default=100, ge=0, le=1_000, description="Orders of one source that may rest.")
    desk_partial_fills: bool = Field(
        default=False, description="A trade fills no more of resting orders than its own quantity."
    )
    desk_kill_switch: bool = Field(default=False, description="Start with all commands refused.")
