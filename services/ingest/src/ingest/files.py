"""Writing small files that are read after a crash."""

from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: a reader, or the next start, sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
