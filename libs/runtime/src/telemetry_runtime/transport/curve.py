"""CURVE: the keys of a service, of those it connects to and of those who may connect to it, from files.

Every service has one pair of keys. `services` is a folder with the public key of each service (`ingest.pub`,
`analytics.pub`, `ui.pub`), `clients` one with those of the bots; both are looked at again while the service runs.
"""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import zmq
from zmq.utils import z85

from telemetry_runtime.errors import StartupError
from telemetry_schema import curve_key_in

SUFFIX: Final = ".pub"
"""Files of public keys end so; what else is in the folder is no key."""

MAX_KEYS: Final = 10_000
"""Keys looked at in one folder; more are not accepted."""

_FOR_OTHERS = stat.S_IRWXO
_MAX_FILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class CurveServer:
    """Key of a binding socket, Z85: only clients that know the public half can connect, and all is encrypted.

    `domain` is what the authenticator knows the endpoint by; without one, every key may connect.
    """

    secret_key: bytes
    domain: str = ""


@dataclass(frozen=True, slots=True)
class CurveClient:
    """Keys of a connecting socket, Z85."""

    server_key: bytes
    public_key: bytes
    secret_key: bytes


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """Public keys in files `NAME.pub`: all of a folder, or those of the given names."""

    folder: Path
    names: Collection[str] | None = None

    def keys(self) -> tuple[frozenset[bytes], list[str]]:
        """The keys, 32 bytes each, and the files that could not be used, each with why: whose key it holds is out.

        Looks at the disk.
        """
        keys, faults = set[bytes](), list[str]()
        try:
            for path in self._paths():
                try:
                    keys.add(z85.decode(_key_of(path).encode()))
                except (OSError, ValueError) as error:
                    faults.append(f"{path}: {error}")
        except OSError as error:
            faults.append(f"{self.folder}: {error}")
        return frozenset(keys), faults

    def _paths(self) -> Iterator[Path]:
        if self.names is not None:
            yield from (self.folder / f"{name}{SUFFIX}" for name in self.names)
            return
        paths = sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        yield from paths[:MAX_KEYS]


class ServiceKeys:
    """The keys that one service was given; without any it neither asks for keys nor shows one.

    Args:
        pair: own public and secret key, Z85.
        services: folder with the public keys of all services.
    """

    def __init__(self, pair: tuple[bytes, bytes] | None = None, services: Path | None = None) -> None:
        self._pair, self._services = pair, services

    @classmethod
    def load(cls, *, secret_file: str, services_dir: str, prefix: str) -> Self:
        """The keys in these files; none if there is no `secret_file`.

        Raises:
            StartupError: a file is missing, is no key or not this service's, or everybody on this machine may read it.
        """
        setting = f"{prefix}CURVE_SECRET_FILE"
        if not secret_file:
            if services_dir:
                raise StartupError(f"{prefix}CURVE_SERVICES_DIR is set: without {setting} nothing would be encrypted")
            return cls()
        if not services_dir:
            raise StartupError(f"{setting} is set: set {prefix}CURVE_SERVICES_DIR too, to the services' public keys")
        path = Path(secret_file)
        try:
            if os.name == "posix" and path.stat().st_mode & _FOR_OTHERS:
                raise StartupError(f"{setting}: others may read {path}; chmod 600 it, or 640 for a group of its own")
            secret = _key_of(path).encode()
            pair = zmq.curve_public(secret), secret
            _check_is_of(Path(services_dir) / f"{prefix.strip('_').lower()}{SUFFIX}", pair[0])
            return cls(pair, Path(services_dir))
        except (OSError, ValueError, zmq.ZMQError) as error:
            raise StartupError(f"{setting}: {path}: {error}") from error

    def server(self, domain: str) -> CurveServer | None:
        """For a socket that binds."""
        return None if self._pair is None else CurveServer(self._pair[1], domain)

    def client(self, service: str) -> CurveClient | None:
        """For a socket that connects to that service.

        Raises:
            StartupError: the service's public key is missing or is no key.
        """
        if self._pair is None or self._services is None:
            return None
        path = self._services / f"{service}{SUFFIX}"
        try:
            return CurveClient(_key_of(path).encode(), *self._pair)
        except (OSError, ValueError) as error:
            raise StartupError(f"public key of {service}: {path}: {error}") from error

    def allowed(self, domains: Mapping[str, Collection[str]]) -> dict[str, list[KeyFolder]]:
        """For each domain, where the keys of the services are that may connect there; nothing without keys."""
        if self._services is None:
            return {}
        return {domain: [KeyFolder(self._services, names)] for domain, names in domains.items()}


def _check_is_of(public: Path, key: bytes) -> None:
    """That a secret is this service's own: with another one, or a public key, nobody would get in, or be told why."""
    if public.exists() and _key_of(public).encode() != key:
        raise ValueError(f"is not the secret key of {public}: a public one, or another service's")


def new_key_pair() -> tuple[str, str]:
    """A new public and secret key, Z85."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def _key_of(path: Path) -> str:
    with path.open("rb") as file:
        return curve_key_in(file.read(_MAX_FILE_BYTES).decode("utf-8", errors="replace"))
