"""Key pairs in files, as `make keys` leaves them."""

from pathlib import Path
from typing import NamedTuple

from telemetry_client import CurveKeys
from telemetry_runtime.transport import new_key_pair

SERVICES = ("ingest", "analytics", "ui")


class Keys(NamedTuple):
    """The folder of the keys, with those of the services."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Keys":
        """Makes the services' pairs."""
        keys = cls(folder)
        for kind in ("services", "clients"):
            (folder / kind).mkdir(parents=True)
        for name in SERVICES:
            keys.add(name, "services")
        return keys

    def add(self, name: str, kind: str = "clients") -> None:
        """Makes one more pair."""
        public, secret = new_key_pair()
        self.public(name, kind).write_text(f"# of {name}\n{public}\n")
        self.secret(name).touch(0o600)
        self.secret(name).write_text(f"{secret}\n")

    def secret(self, name: str) -> Path:
        return self.folder / f"{name}.secret"

    def public(self, name: str, kind: str = "clients") -> Path:
        return self.folder / kind / f"{name}.pub"

    def revoke(self, name: str) -> None:
        """Takes a client off the list."""
        self.public(name).unlink()

    def of_client(self, name: str) -> CurveKeys:
        """What a bot connects to ingest with."""
        return CurveKeys.from_files(server=self.public("ingest", "services"), secret=self.secret(name))

    def settings(self, *prefixes: str) -> dict[str, str]:
        """The settings that turn the keys on."""
        found = {"INGEST_CURVE_CLIENTS_DIR": str(self.folder / "clients")} if "INGEST" in prefixes else {}
        for prefix in prefixes:
            found[f"{prefix}_CURVE_SECRET_FILE"] = str(self.secret(prefix.lower()))
            found[f"{prefix}_CURVE_SERVICES_DIR"] = str(self.folder / "services")
        return found
