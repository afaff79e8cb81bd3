"""The lock pins and hashes all that is installed, and does not say where it was made."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PACKAGES = [block for block in re.split(r"\n(?=\S)", LOCK) if not block.startswith("#")]


def test_every_package_is_pinned_and_hashed() -> None:
    assert len(PACKAGES) > 50
    assert [
        block for block in PACKAGES if not re.match(r"[a-z0-9-]+==\S+ ", block) or "--hash=sha256:" not in block
    ] == []


def test_the_lock_names_no_address_and_no_path() -> None:
    assert re.findall(r".*(?:https?:|file:|--index|--extra-index|--find-links|(?<![\w.])/\w+/).*", LOCK) == []


def test_image_and_make_use_the_same_uv() -> None:
    version = re.search(r"^UV_VERSION +:= (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"ARG UV_VERSION={version[1]}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_make_target_says_what_it_does() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    (phony,) = (line.removeprefix(".PHONY: ").split() for line in lines if line.startswith(".PHONY: "))
    assert [target for target in phony if not any(re.match(rf"{target}:.*## \w", line) for line in lines)] == []
