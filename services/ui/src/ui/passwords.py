"""Who may use the page: names and hashed passwords. Pure but for reading the file.

A line of the file is `NAME:scrypt$N$R$P$SALT$HASH`, salt and hash in base64; what begins with `#` is a comment.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from telemetry_schema import is_name

_COST: Final = 2**15
_BLOCKS, _LANES = 8, 1
_MAX_MEMORY_BYTES = 64 * 1024 * 1024
"""A hash takes 32 MiB and some 80 ms: too much to try many, little enough for one who types."""

MAX_PASSWORD_CHARS: Final = 1_024


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password that can be checked but not read."""

    cost: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> Self:
        """Hashes a password with a salt of its own."""
        salt = secrets.token_bytes(16)
        return cls(_COST, salt, _scrypt(password, _COST, salt))

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote.

        Raises:
            ValueError: it is nothing of the kind.
        """
        kind, cost, blocks, lanes, salt, digest = text.split("$")
        found = cls(int(cost), b64decode(salt, validate=True), b64decode(digest, validate=True))
        if (kind, int(blocks), int(lanes)) != ("scrypt", _BLOCKS, _LANES) or not 2**14 <= found.cost <= _COST:
            raise ValueError("no hash of ours")
        return found

    def matches(self, password: str) -> bool:
        """Whether this is the password; how long it takes says nothing about it."""
        return hmac.compare_digest(_scrypt(password, self.cost, self.salt), self.digest)

    def __str__(self) -> str:
        salt, digest = b64encode(self.salt).decode(), b64encode(self.digest).decode()
        return f"scrypt${self.cost}${_BLOCKS}${_LANES}${salt}${digest}"


_NOBODY: Final = PasswordHash(_COST, bytes(16), bytes(64))
"""Checked for a name that is not there, so that the time does not show which names are."""


def read_users(path: Path) -> dict[str, PasswordHash]:
    """The names in the file, each with its password's hash.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is wrong, or there is none; never says what the line holds.
    """
    users: dict[str, PasswordHash] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, _, rest = line.rpartition(":")
            if not is_name(name):
                raise ValueError(f"line {number} has no name before its hash; `make password` writes such lines")
            try:
                users[name] = PasswordHash.parse(rest.strip())
            except ValueError:
                raise ValueError(f"line {number} is no hash; `make password` writes such lines") from None
    if not users:
        raise ValueError("names nobody; `make password` adds a line")
    return users


def is_user(users: Mapping[str, PasswordHash], name: str, password: str) -> bool:
    """Whether it is the name's password. Takes as long for a name that is not there."""
    known = users.get(name)
    matches = (known or _NOBODY).matches(password[:MAX_PASSWORD_CHARS])
    return matches and known is not None


def _scrypt(password: str, cost: int, salt: bytes) -> bytes:
    secret = password.encode("utf-8", errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=cost, r=_BLOCKS, p=_LANES, maxmem=_MAX_MEMORY_BYTES)
