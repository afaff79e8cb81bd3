"""Who calls the page by a wrong name is told so in words; who calls it by a right one does not notice."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit import config

from ui.page.host_guard import HostGuard

NAMES = ["localhost", "127.0.0.1", "::1", "*.example.org"]
HEALTH = "/desk/_stcore/health"


@pytest.fixture(autouse=True)
def _allowed_names() -> Iterator[None]:
    before = config.get_option("server.allowedHosts")
    config.set_option("server.allowedHosts", NAMES)
    yield
    config.set_option("server.allowedHosts", before)


async def _page(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['type']} {scope['path']}".encode()})


async def _ask(host: str | None, path: str = "/desk/trade", kind: str = "http") -> tuple[int, str]:
    """Status and text of the answer."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has them
        sent.append(message)

    async def receive() -> Any:  # noqa: ANN401 - as ASGI has them
        return {"type": "http.disconnect"}

    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    await HostGuard(_page, HEALTH)({"type": kind, "path": path, "headers": headers}, receive, send)
    start, body = sent
    return start["status"], body["body"].decode()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1:1", "[::1]:8501", "a.example.org", "localhost."]
)
async def test_a_name_that_is_allowed_is_answered_by_the_page(host: str) -> None:
    assert await _ask(host) == (200, "http /desk/trade")


@pytest.mark.parametrize(
    "host",
    [
        "desk.example.com",
        "desk.example.com:8501",
        "example.org",
        "localhost.evil.com",
        "10.0.0.7",
        "",
        None,
        "é.example",
    ],
)
async def test_another_name_is_refused_with_a_page_that_names_it_and_the_setting(host: str | None) -> None:
    for path in ("/", "/desk/", "/desk/_stcore/stream", f"/x{HEALTH}"):
        status, text = await _ask(host, path)
        assert status == 403
        assert f"<code>{host or 'no name at all'}</code>" in text
        assert "UI_PAGE_ALLOWED_HOSTS" in text


async def test_a_name_cannot_write_into_the_page_that_refuses_it() -> None:
    _, text = await _ask("<script>" + "x" * 5_000)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert len(text) < 2_000


async def test_the_health_check_needs_no_name_and_connections_are_left_to_streamlit() -> None:
    assert (await _ask("10.0.0.7:8501", HEALTH))[0] == 200
    assert await _ask("10.0.0.7:8501", "/desk/_stcore/stream", "websocket") == (200, "websocket /desk/_stcore/stream")
