"""Spares a browser what it has: files of components, which Streamlit packs and sends anew for each load of a page."""

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Unchanged:
    """Middleware that answers 304 to a browser that has a component's file from this very process.

    A file does not change while the process lives, so its tag is the process's; after a restart all is sent again.

    Args:
        app: what answers otherwise.
        path: what the paths of all components begin with.
        tag: names this process, and no other one.
    """

    def __init__(self, app: ASGIApp, path: str, tag: str) -> None:
        self._app, self._path = app, path
        self._headers = {"etag": f'W/"{tag}"', "cache-control": "no-cache"}  # to be asked for again each time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself, or passes on and puts the tag on what was found."""
        if scope["type"] != "http" or not scope["path"].startswith(self._path):
            await self._app(scope, receive, send)
        elif Headers(scope=scope).get("if-none-match") == self._headers["etag"]:
            await _answer(self._headers, send)
        else:
            await self._app(scope, receive, self._tagging(send))

    def _tagging(self, send: Send) -> Send:
        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        return send_tagged


async def _answer(headers: dict[str, str], send: Send) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(HTTPStatus.NOT_MODIFIED), "headers": raw})
    await send({"type": "http.response.body", "body": b""})
