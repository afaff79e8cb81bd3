"""Errors of the client.

    ClientError
    ├── InvalidSettingError   (also a ValueError) a `Publisher` cannot be made of these arguments
    ├── InvalidTradeError     (also a ValueError) a trade is not valid; nothing was sent and no number was used
    ├── InvalidOrderError     (also a ValueError) a message about an order is not valid; nothing was sent
    ├── ClosedError           the publisher was used after its end
    └── ForkedError           the publisher was used in a child process; the child needs one of its own

That ingest is away or slow is no error: it is the answer False, and a count.
"""


class ClientError(Exception):
    """Base of all errors of this package."""


class InvalidSettingError(ClientError, ValueError):
    """A publisher cannot be made of these arguments; `__cause__` says more where there is one."""


class InvalidTradeError(ClientError, ValueError):
    """A trade is not valid; the message names the field and says why. Nothing was sent, no number was used."""


class InvalidOrderError(ClientError, ValueError):
    """A message about an order is not valid; the message names the field. Nothing was sent, no number was used."""


class ClosedError(ClientError):
    """The publisher is closed."""


class ForkedError(ClientError):
    """The publisher belongs to the parent process: a socket cannot be shared with a fork."""
