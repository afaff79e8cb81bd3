"""Keys of an encrypted connection."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import zmq

from telemetry_client.errors import InvalidSettingError
from telemetry_schema import curve_key_in


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """Keys for an encrypted connection, 40 characters of Z85 each.

    `server` is ingest's public key. Without `public` and `secret` the client makes a pair of its own, which is enough
    for a server that does not know its clients by their keys; ingest does.
    """

    server: str
    public: str | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.public is None) != (self.secret is None):
            raise InvalidSettingError("the client's public and secret key go together: give both, or neither")

    @classmethod
    def from_files(cls, *, server: str | Path, secret: str | Path | None = None) -> Self:
        """The keys in files as `make keys` writes them: ingest's public key, and the client's secret one.

        Raises:
            InvalidSettingError: a file cannot be read or holds no key.
        """
        server_key = _key_in(server)
        if secret is None:
            return cls(server_key)
        secret_key = _key_in(secret)
        return cls(server_key, zmq.curve_public(secret_key.encode()).decode(), secret_key)

    def pair(self) -> tuple[bytes, bytes]:
        """Public and secret key of the client."""
        if self.public is None or self.secret is None:
            return zmq.curve_keypair()
        return self.public.encode("ascii"), self.secret.encode("ascii")


def _key_in(path: str | Path) -> str:
    try:
        return curve_key_in(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSettingError(f"{path}: {error}") from error
