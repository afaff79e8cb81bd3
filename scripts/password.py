"""Asks for a person's password and writes it, hashed, into the file of those who may use the page.

Run by `make password ARGS="alice"`; set UI_PASSWORD_FILE to the file. A name that is there gets the new password.
"""

import argparse
import os
import sys
from getpass import getpass
from pathlib import Path

from telemetry_schema import is_name
from ui.passwords import PasswordHash

MIN_CHARS = 8


def main() -> int:
    """Writes the file anew."""
    arguments = _parser().parse_args()
    if not is_name(arguments.name) or arguments.name.startswith("#"):
        print("password: this is no name", file=sys.stderr)
        return 1
    password = _ask()
    if len(password) < MIN_CHARS:
        print(f"password: at least {MIN_CHARS} characters", file=sys.stderr)
        return 1
    _write(arguments.file, arguments.name, password)
    print(f"wrote {arguments.file}; UI_PASSWORD_FILE={arguments.file}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make password", description=__doc__.partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("--file", type=Path, default=Path("keys/passwords"))
    return parser


def _ask() -> str:
    """From the terminal without showing it, or one line of the standard input."""
    return getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _write(path: Path, name: str, password: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    others = [line for line in before if line.rpartition(":")[0] != name]
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([*others, f"{name}:{PasswordHash.of(password)}"]) + "\n")
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
