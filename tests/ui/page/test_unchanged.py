"""What a browser has of a component's files is not sent again, as long as the page's process lives."""

from typing import Any

from ui.page.unchanged import Unchanged

FILE = "/desk/_stcore/bidi-components/board/board.js"


async def _page(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has them
    status = 404 if scope["path"].endswith("missing.js") else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"public")]})
    await send({"type": "http.response.body", "body": b"export default 1;"})


async def _get(path: str = FILE, has: str = "", tag: str = "this-process") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a browser that has the file under this tag."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has them
        sent.append(message)

    async def receive() -> Any:  # noqa: ANN401 - as ASGI has them
        return {"type": "http.disconnect"}

    asked = {"type": "http", "path": path, "headers": [(b"if-none-match", has.encode())] if has else []}
    await Unchanged(_page, "/desk/_stcore/bidi-components/", tag)(asked, receive, send)
    start, body = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


async def test_a_file_is_sent_once_and_asked_for_again_each_time() -> None:
    status, headers, body = await _get()
    assert (status, body) == (200, b"export default 1;")
    assert headers["cache-control"] == "no-cache"
    status, again, body = await _get(has=headers["etag"])
    assert (status, body) == (304, b"")
    assert again == headers


async def test_after_a_restart_all_is_sent_anew() -> None:
    _, headers, _ = await _get(tag="before")
    status, _, body = await _get(tag="after", has=headers["etag"])
    assert (status, body) == (200, b"export default 1;")


async def test_what_is_not_there_and_what_is_no_components_file_has_no_tag() -> None:
    _, known, _ = await _get()
    for path, expected in ((FILE.replace("board.js", "missing.js"), 404), ("/desk/trade", 200)):
        status, headers, _ = await _get(path)
        assert status == expected
        assert headers == {"cache-control": "public"}
    assert (await _get("/desk/trade", has=known["etag"]))[0] == 200
