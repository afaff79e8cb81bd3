"""Makes key pairs for encrypted connections (CURVE), in files. Run by `make keys`; docs/security.md says what for.

    keys/NAME.secret         secret keys, for their owner alone (0600)
    keys/services/NAME.pub   public keys of ingest, analytics and ui
    keys/clients/NAME.pub    public keys of the bots that may send trades

A pair that is there is kept, so that it can be run again for one more bot.
"""

import argparse
import os
import re
import sys
from pathlib import Path

from telemetry_runtime.transport import new_key_pair

SERVICES = ("ingest", "analytics", "ui")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def main() -> int:
    """Makes the pairs that are missing."""
    arguments = _parser().parse_args()
    wrong = [name for name in arguments.clients if name in SERVICES or not _FILE_NAME.fullmatch(name)]
    if wrong:
        print(f"keys: no names for a client's files: {' '.join(wrong)}", file=sys.stderr)
        return 1
    mode = 0o640 if arguments.group else 0o600
    arguments.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    for names, kind in ((SERVICES, "services"), (arguments.clients, "clients")):
        public = arguments.folder / kind
        public.mkdir(exist_ok=True)
        for name in names:
            _make(name, arguments.folder / f"{name}.secret", public / f"{name}.pub", mode)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make keys", description=__doc__.partition("\n")[0])
    parser.add_argument("clients", nargs="*", default=["bot"], help="names of bots (default: bot)")
    parser.add_argument("--folder", type=Path, default=Path("keys"))
    parser.add_argument("--group", action="store_true", help="your group may read the secrets too, for containers")
    return parser


def _make(name: str, secret_path: Path, public_path: Path, mode: int) -> None:
    if secret_path.exists():
        secret_path.chmod(mode)
        print(f"kept  {secret_path}")
        return
    public, secret = new_key_pair()
    # Never readable by others, not even for a moment.
    with os.fdopen(os.open(secret_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(f"# secret key of {name}: who reads it can pose as {name}\n{secret}\n")
    public_path.write_text(f"# public key of {name}\n{public}\n", encoding="utf-8")
    print(f"made  {secret_path}  {public_path}")


if __name__ == "__main__":
    sys.exit(main())
