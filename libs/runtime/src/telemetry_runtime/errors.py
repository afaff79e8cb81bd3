"""Errors of the runtime.

TelemetryError
├── StartupError      the service cannot start: a taken port, a wrong setting; one line for a person, exit code 1
├── StopError         the service could not stop as it should: it says what is lost; exit code 1
└── TaskError         a task ended that should not have, or would not end
"""


class TelemetryError(Exception):
    """Base of all errors of this package."""


class StartupError(TelemetryError):
    """The service cannot start. The message is one line: what is wrong, and what to do."""


class StopError(TelemetryError):
    """The service had to stop before its work was done. The message says what that costs."""


class TaskError(TelemetryError):
    """A task of a service ended by itself, or did not end when asked to."""

    def __init__(self, task: str, what: str) -> None:
        super().__init__(f"task {task!r} {what}")
        self.task = task
