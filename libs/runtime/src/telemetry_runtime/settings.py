"""What the settings of all services share. Only the services' `environment.py` derive from it."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from telemetry_runtime.errors import StartupError
from telemetry_runtime.logs import LogFormat, LogLevel


def _split(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


Endpoints = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several values in one variable, separated by blanks; an empty variable is none."""


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite number above 0."""

Seconds = Annotated[float, Field(gt=0, le=1e9)]
"""A span of time; at most 31 years, as no longer one fits in a count of nanoseconds with others."""


def _not_blank(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("a directory is missing: the present one is written .")
    return value


Directory = Annotated[Path, BeforeValidator(_not_blank)]
"""A directory; an empty variable would be the present one."""


def _without_brackets(value: object) -> object:
    return value[1:-1] if isinstance(value, str) and value.startswith("[") and value.endswith("]") else value


Host = Annotated[str, BeforeValidator(_without_brackets), Field(min_length=1, pattern=r"^\S+$")]
"""An address to listen on, an IPv6 one also in brackets; an empty one would be all of the machine's."""


class ServiceSettings(BaseSettings):
    """Settings that every service has. Subclasses set the prefix of their variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    http_host: Host = Field(default="127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    http_allowed_hosts: Endpoints = Field(
        default=(), description="Further names under which these may be asked; addresses and private names always may."
    )
    log_level: LogLevel = Field(default="info", description="Minimum log level.")
    log_format: LogFormat = Field(default="auto", description="json, console, or auto: console on a terminal.")
    curve_secret_file: str = Field(
        default="", description="File with this service's secret key; then all its endpoints are encrypted (CURVE)."
    )
    curve_services_dir: str = Field(
        default="", description="Folder with the services' public keys: `ingest.pub`, `analytics.pub`, `ui.pub`."
    )
    trust_network: bool = Field(
        default=False, description="The endpoints' network is trusted: no warning when they have no keys."
    )
    grace_s: Seconds = Field(default=8.0, description="How long a stop may take to pass on what was accepted, in s.")

    @classmethod
    def load(cls) -> Self:
        """The settings of this process.

        Raises:
            StartupError: a variable is wrong or not known; names each one, what it holds and what it should.
        """
        cls._refuse_unknown_names()
        try:
            return cls()
        except ValidationError as error:
            prefix = str(cls.model_config.get("env_prefix", ""))
            wrong = (
                f"{prefix}{'_'.join(str(part) for part in item['loc'])}".upper() + f"={item['input']!r}: {item['msg']}"
                for item in error.errors(include_url=False)
            )
            raise StartupError("; ".join(wrong)) from error

    @classmethod
    def _refuse_unknown_names(cls) -> None:
        """A misspelt setting would be a default, without a word."""
        prefix = str(cls.model_config.get("env_prefix", "")).upper()
        known = {f"{prefix}{name}".upper() for name in cls.model_fields}
        # On Windows and for pydantic-settings names have no case.
        given = {name.upper(): value for name, value in EnvSettingsSource(cls).env_vars.items()}
        unknown = sorted(
            name
            for name, value in given.items()
            if prefix and name.startswith(prefix) and name not in known and not _is_of_others(name, prefix, value)
        )
        if unknown:
            raise StartupError("; ".join(f"{name} is not a setting{_nearest(name, known)}" for name in unknown))


def _is_of_others(name: str, prefix: str, value: str | None) -> bool:
    """Whether the variable is Compose's or Kubernetes', whose names for a service begin with the same prefix."""
    rest = name.removeprefix(prefix)
    if rest == "METRICS_PORT":  # where docker-compose.yml publishes /metrics
        return True
    return bool(_LINKED.fullmatch(rest)) or (rest == "PORT" and "://" in (value or ""))


_LINKED: Final = re.compile(r"SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP)(_\w+)?")
"""What Kubernetes and Docker's links set in every container for a service called `ingest`, `analytics` or `ui`."""


def _nearest(name: str, known: Collection[str]) -> str:
    nearest = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; the nearest one is {nearest[0]}" if nearest else ""
