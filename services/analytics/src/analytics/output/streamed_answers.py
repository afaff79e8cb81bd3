"""Long answers over HTTP: a chunk at a time, few at once, in bounded time, and off the pipeline's way."""

import asyncio
from collections.abc import Iterator
from typing import Final

from aiohttp import web

MAX_ANSWERS: Final = 4
"""Answers under way; one more is refused until one has ended."""

ANSWER_S: Final = 30.0
"""How long a reader may take for its answer."""


class StreamedAnswers:
    """Sends answers whose chunks are made when they are due.

    Args:
        answer_s: how long a reader may take.
    """

    def __init__(self, *, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self.under_way = 0

    @property
    def is_busy(self) -> bool:
        """Whether one more answer would be refused."""
        return self.under_way >= MAX_ANSWERS

    async def send(self, request: web.Request, content_type: str, chunks: Iterator[bytes]) -> web.StreamResponse:
        """The chunks, or 503 while others read; an empty chunk only lets the pipeline go on."""
        if self.is_busy:
            return too_many_answers()
        self.under_way += 1
        try:
            return await self._send(request, content_type, chunks)
        finally:
            self.under_way -= 1

    async def _send(self, request: web.Request, content_type: str, chunks: Iterator[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, "Cache-Control": "no-store"})
        try:
            async with asyncio.timeout(self._answer_s):
                await response.prepare(request)
                # A body after the head that was asked for would be taken for the next answer.
                for chunk in () if request.method == "HEAD" else chunks:
                    if chunk:
                        await response.write(chunk)
                    await asyncio.sleep(0)  # the pipeline goes first
                await response.write_eof()
        except (TimeoutError, ConnectionError):
            # The reader is too slow, or gone. Closed in order, the connection would hold what he does not take.
            if request.transport is not None:
                request.transport.abort()
        return response


def too_many_answers() -> web.Response:
    """The answer to one reader more."""
    return web.Response(status=503, text=f"{MAX_ANSWERS} answers are under way: ask again in a moment\n")
