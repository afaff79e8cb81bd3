"""Text of a user's as it can be sent: a file's name or an error may hold what is no Unicode."""


def sendable(text: str) -> str:
    """The text with question marks for halves of surrogate pairs, which stand for bytes that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def described(error: BaseException) -> str:
    """What the error says, in one line; nothing where asking it raises another."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # noqa: BLE001 - it is the user's code that runs
        text = ""
    return sendable(f"{type(error).__name__}: {' '.join(str(text).split())}")
