"""The one error of this package."""


class StudyError(ValueError):
    """A study is declared wrongly, or has returned something that is no set of its gauges' values.

    `reason` is the label under which a wrong return value is counted.
    """

    def __init__(self, message: str, *, reason: str = "declaration") -> None:
        super().__init__(message)
        self.reason = reason
