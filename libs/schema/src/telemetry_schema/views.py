"""All that the services report to the UI."""

from typing import Annotated

from pydantic import Field

from telemetry_schema.bot_views import BotsState
from telemetry_schema.desk_views import CommandHistory, ProfitHistory
from telemetry_schema.ingest_views import IngestStatus
from telemetry_schema.market_views import Snapshot
from telemetry_schema.messages import CommandResult
from telemetry_schema.study_views import StudiesState

AnyUiMessage = Snapshot | IngestStatus | StudiesState | BotsState | CommandHistory | ProfitHistory | CommandResult

UiMessage = Annotated[AnyUiMessage, Field(discriminator="type")]
"""What the UI accepts on its PULL socket."""
