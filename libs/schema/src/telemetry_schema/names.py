"""What a name may be: of a symbol, source, run, account or trade, in any script.

Printable Unicode text without control characters, without leading or trailing blanks, in normal form C, of at most 128
bytes of UTF-8. Whoever shows a name escapes it: it may hold quotes, braces, `&`, `<`, `#`, `/` and backslashes.
"""

import unicodedata
from functools import lru_cache
from typing import Final

MAX_NAME_BYTES: Final = 128
"""The longest name, in bytes of UTF-8; so it has at most as many characters."""


def name_fault(text: str) -> str | None:  # noqa: PLR0911 - one line a rule
    """Why the text is no name, for a person; None if it is one."""
    if not text:
        return "is empty"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "has half of a surrogate pair"
    if size > MAX_NAME_BYTES:
        return f"has {size} bytes of UTF-8; at most {MAX_NAME_BYTES} are accepted"
    if text[0].isspace() or text[-1].isspace():
        return "begins or ends with a blank"
    if not text.isprintable():
        bad = next(char for char in text if not char.isprintable())
        return f"has the unprintable character U+{ord(bad):04X}"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode's normal form C"
    return None


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Whether the text is a name; the last few thousand answers are remembered."""
    return name_fault(text) is None
