"""The text of a file that holds a CURVE key, public or secret. Pure."""

import re
from typing import Final

_KEY: Final = re.compile(r"[0-9A-Za-z.:+=^!/*?&<>()\[\]{}@%$#-]{40}")
"""40 characters of Z85, ZeroMQ's way to write 32 bytes. A blank is none of them, so a line with one is a comment."""


def curve_key_in(text: str) -> str:
    """The key in a file's text: its one line of 40 characters; what has a blank in it, as `# of bot-1`, is a comment.

    Raises:
        ValueError: there is no such line, or more than one; the message never shows what is there instead.
    """
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not re.search(r"\s", line)]
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise ValueError("holds no key: one line of 40 characters, as `make keys` writes it")
    return keys[0]
