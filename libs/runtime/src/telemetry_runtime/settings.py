"""What the settings of all services share. Only the services' `environment.py` derive from it."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from telemetry_runtime.errors import StartupError
from telemetry_runtime.logs import LogFormat, LogLevel


def _split(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


Endpoints = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several values in one variable, separated by blanks; an empty variable is none."""


class ServiceSettings(BaseSettings):
    """Settings that every service has. Subclasses set the prefix of their variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    http_host: str = Field(default="127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    log_level: LogLevel = Field(default="info", description="Least level that is logged.")
    log_format: LogFormat = Field(default="auto", description="json, console, or auto: console on a terminal.")
    grace_s: float = Field(
        default=8.0, gt=0, description="How long a stop may take to pass on what was accepted, in s."
    )

    @classmethod
    def load(cls) -> Self:
        """The settings of this process.

        Raises:
            StartupError: a variable is wrong; names each one, what it holds and what it should.
        """
        try:
            return cls()
        except ValidationError as error:
            prefix = str(cls.model_config.get("env_prefix", ""))
            wrong = (
                f"{prefix}{'_'.join(str(part) for part in item['loc'])}".upper() + f"={item['input']!r}: {item['msg']}"
                for item in error.errors(include_url=False)
            )
            raise StartupError("; ".join(wrong)) from error
