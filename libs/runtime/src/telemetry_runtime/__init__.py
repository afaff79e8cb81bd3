"""What every service runs on: tasks, channels, clock, exit, logs, settings.

This is the library's door. What costs memory to import, or is only for tests, has a door of its own:
`telemetry_runtime.http` (aiohttp), `telemetry_runtime.metrics` (Prometheus), `telemetry_runtime.transport` (ZeroMQ) and
`telemetry_runtime.fakes`.
"""

from telemetry_runtime.channels import (
    Burst,
    EdgeSource,
    Frame,
    Frames,
    LossySink,
    PeerChannel,
    Source,
    TrySink,
)
from telemetry_runtime.clock import (
    Clock,
    SystemClock,
)
from telemetry_runtime.errors import (
    StartupError,
    StopError,
    TaskError,
    TelemetryError,
)
from telemetry_runtime.exit_handler import (
    ExitHandler,
)
from telemetry_runtime.files import (
    DirectoryLock,
    check_is_not_of,
    make_directory,
    sync_directory,
    write_durably,
)
from telemetry_runtime.log_writer import LogWriter
from telemetry_runtime.logs import (
    LogFormat,
    LogLevel,
    RateLimitedWarning,
    configure_logs,
    lost_log_lines,
)
from telemetry_runtime.message_counts import MessageCounts, Outcome
from telemetry_runtime.refused_peers import (
    REFUSED_REASONS,
    RefusedPeers,
)
from telemetry_runtime.service import (
    run_service,
)
from telemetry_runtime.settings import (
    Directory,
    Endpoints,
    Host,
    Positive,
    Seconds,
    ServiceSettings,
)
from telemetry_runtime.task_manager import (
    AsyncTaskManager,
)

__all__ = [
    "REFUSED_REASONS",
    "AsyncTaskManager",
    "Burst",
    "Clock",
    "Directory",
    "DirectoryLock",
    "EdgeSource",
    "Endpoints",
    "ExitHandler",
    "Frame",
    "Frames",
    "Host",
    "LogFormat",
    "LogLevel",
    "LogWriter",
    "LossySink",
    "MessageCounts",
    "Outcome",
    "PeerChannel",
    "Positive",
    "RateLimitedWarning",
    "RefusedPeers",
    "Seconds",
    "ServiceSettings",
    "Source",
    "StartupError",
    "StopError",
    "SystemClock",
    "TaskError",
    "TelemetryError",
    "TrySink",
    "check_is_not_of",
    "configure_logs",
    "lost_log_lines",
    "make_directory",
    "run_service",
    "sync_directory",
    "write_durably",
]
