"""Sends a browser with slashes too many in its address to the right one.

Links of alerts and dashboards are a setting and a path, `$PAGE_URL/runbook`. Where the setting ends with a slash they
have two, and nothing on their way can take one out.
"""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES: Final = re.compile("/{2,}")


class PlainPaths:
    """Middleware that answers a path with several slashes in a row by one with one.

    Args:
        app: what answers all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what has a plain path."""
        if scope["type"] != "http" or not _SLASHES.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        # Quoted, and with one slash at its beginning, it leads to nobody else's host.
        path, query = quote(_SLASHES.sub("/", scope["path"])).encode(), scope.get("query_string", b"")
        headers = [(b"location", path + (b"?" + query if query else b"")), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": int(HTTPStatus.PERMANENT_REDIRECT), "headers": headers})
        await send({"type": "http.response.body", "body": b""})
