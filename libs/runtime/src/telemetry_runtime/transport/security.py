"""Who may connect to the endpoints of a service: its keys, the lists of those that are let in, and what was refused."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

import structlog

from telemetry_runtime.clock import Clock
from telemetry_runtime.errors import StartupError
from telemetry_runtime.refused_peers import RefusedPeers
from telemetry_runtime.settings import ServiceSettings
from telemetry_runtime.transport.authenticator import PeerAuthenticator
from telemetry_runtime.transport.curve import CurveClient, CurveServer, KeyFolder, ServiceKeys


class EndpointSecurity:
    """What the sockets of one service are opened with.

    Args:
        settings: the service's.
        peers: for each endpoint that it binds, which services may connect there.
        clients_dir: for each endpoint that bots may connect to, the folder with their public keys.

    Raises:
        StartupError: a key is missing, is none, or may be read by everybody.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        clock: Clock,
        peers: Mapping[str, Collection[str]],
        clients_dir: Mapping[str, str] | None = None,
    ) -> None:
        self._prefix = str(settings.model_config.get("env_prefix", ""))
        self._keys = ServiceKeys.load(
            secret_file=settings.curve_secret_file, services_dir=settings.curve_services_dir, prefix=self._prefix
        )
        if any((clients_dir or {}).values()) and not settings.curve_secret_file:
            raise StartupError(
                f"{self._prefix}CURVE_CLIENTS_DIR is set: without {self._prefix}CURVE_SECRET_FILE anybody may connect"
            )
        self._is_trusted = settings.trust_network
        self._allowed = self._keys.allowed(peers)
        for endpoint, folder in (clients_dir or {}).items():
            if folder and endpoint in self._allowed:
                self._allowed[endpoint].append(KeyFolder(Path(folder)))
        self._refused = {name: RefusedPeers(name, monotonic_ns=clock.monotonic_ns) for name in peers}
        self._clock = clock

    @property
    def refused(self) -> Sequence[RefusedPeers]:
        """The refused peers of every endpoint, for the metrics."""
        return list(self._refused.values())

    def server(self, name: str) -> CurveServer | None:
        """Key of the socket that binds there."""
        return self._keys.server(name)

    def refused_at(self, name: str) -> RefusedPeers:
        """The refused peers of one endpoint."""
        return self._refused[name]

    def client(self, service: str) -> CurveClient | None:
        """Keys of a socket that connects to that service.

        Raises:
            StartupError: the service's public key is missing or is none.
        """
        return self._keys.client(service)

    def authenticator(self) -> PeerAuthenticator | None:
        """Who answers which keys may connect; nobody, where there are no keys. Opened before the sockets that bind."""
        if not self._allowed:
            return None
        return PeerAuthenticator(self._allowed, self._refused, monotonic_ns=self._clock.monotonic_ns)

    def warn_if_open(self, endpoint: str, setting: str) -> None:
        """Says so if others than this machine can reach an endpoint that asks for no key."""
        if self._allowed or self._is_trusted or is_local(endpoint):
            return
        structlog.get_logger("security").warning(
            "endpoint_open_to_network",
            endpoint=endpoint,
            setting=setting,
            hint=f"whoever reaches it can send, and read what is sent: set {self._prefix}CURVE_SECRET_FILE (see "
            f"docs/security.md), or {self._prefix}TRUST_NETWORK=true if only trusted machines reach it",
        )


def is_local(endpoint: str) -> bool:
    """Whether only this machine can reach the endpoint."""
    transport, _, address = endpoint.partition("://")
    if transport != "tcp":
        return True
    return is_loopback(address.rpartition(":")[0])


def is_loopback(host: str) -> bool:
    """Whether this host, as given to listen on, is this machine only."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
