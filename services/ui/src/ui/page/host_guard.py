"""A plain answer for a browser that calls the page by a name that it must not be called by.

Streamlit refuses such a browser's connection only, and shows it a page that stays grey. This says why, before anything
of Streamlit is sent.
"""

from html import escape
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_MAX_NAME: Final = 256
_TEXT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not under this name</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem; }}
code {{ overflow-wrap: anywhere; }}
</style>
<main>
<h1>The page is not shown under this name</h1>
<p>Your browser asked for <code>{name}</code>. To keep other web sites from using this desk through your browser,
the page answers only to the names in <code>UI_PAGE_ALLOWED_HOSTS</code>.</p>
<p>If the name is right, add it to <code>UI_PAGE_ALLOWED_HOSTS</code> where the page is started, and start it again.</p>
</main>
</html>
"""


class HostGuard:
    """Middleware that answers 403 where Streamlit would refuse the connection, by Streamlit's own rule.

    Args:
        app: what is guarded.
        health_path: answered under any name: machines ask for it by whatever address they know.
    """

    def __init__(self, app: ASGIApp, health_path: str) -> None:
        self._app, self._health_path = app, health_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what may be answered. A WebSocket is refused by Streamlit itself."""
        host = Headers(scope=scope).get("host") if scope["type"] == "http" else None
        if scope["type"] != "http" or scope["path"] == self._health_path or _is_allowed(host):
            await self._app(scope, receive, send)
        else:
            await _refuse(host or "no name at all", send)


def _is_allowed(host: str | None) -> bool:
    # Takes a second to import, and reads Streamlit's options, which must be set by then.
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed  # noqa: PLC0415 - see above

    return is_host_allowed(host)


async def _refuse(host: str, send: Send) -> None:
    body = _TEXT.format(name=escape(host[:_MAX_NAME])).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": int(HTTPStatus.FORBIDDEN), "headers": headers})
    await send({"type": "http.response.body", "body": body})
