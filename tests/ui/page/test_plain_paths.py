"""A link with a slash too many leads where it was meant to, and nowhere else."""

from typing import Any

import pytest

from ui.page.plain_paths import PlainPaths


async def _page(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def _ask(path: str, query: bytes = b"", kind: str = "http") -> tuple[int, bytes]:
    """Status of the answer, and where it leads."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has them
        sent.append(message)

    async def receive() -> Any:  # noqa: ANN401 - as ASGI has them
        return {"type": "http.disconnect"}

    await PlainPaths(_page)({"type": kind, "path": path, "query_string": query}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]).get(b"location", b"")


@pytest.mark.parametrize("path", ["/", "/runbook", "/desk/trade", "/a%2Fb"])
async def test_a_plain_path_is_answered_by_the_page(path: str) -> None:
    assert await _ask(path) == (200, b"")


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("//runbook", b"", b"/runbook"),
        ("//bots", b"bot_order=o-1%2Fx", b"/bots?bot_order=o-1%2Fx"),
        ("/desk//bots", b"", b"/desk/bots"),
        ("///", b"", b"/"),
        ("//evil.example.org", b"", b"/evil.example.org"),
        ("//\\evil.example.org", b"", b"/%5Cevil.example.org"),
        ("//a\r\nset-cookie: b", b"", b"/a%0D%0Aset-cookie%3A%20b"),
    ],
)
async def test_slashes_too_many_lead_to_the_path_with_one_on_the_same_host(
    path: str, query: bytes, location: bytes
) -> None:
    assert await _ask(path, query) == (308, location)


async def test_a_websocket_is_no_matter_of_it() -> None:
    assert (await _ask("//_stcore/stream", kind="websocket"))[0] == 200
