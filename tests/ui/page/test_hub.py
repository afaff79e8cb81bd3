"""The page's link to the main process."""

from pathlib import Path

import zmq

from telemetry_runtime import SystemClock
from telemetry_schema import encode
from tests.helpers.services import eventually
from tests.helpers.views import bars, snapshot
from ui.page.model.hub import Hub


def test_a_message_that_cannot_be_shown_does_not_end_the_link(tmp_path: Path) -> None:
    to_page, from_page = f"ipc://{tmp_path}/to", f"ipc://{tmp_path}/from"
    uneven = bars().model_copy(update={"close": [1.0]})
    with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        pull.bind(from_page)
        hub = Hub(to_page, from_page, SystemClock()).start()
        push.connect(to_page)
        push.send(encode(snapshot(1).model_copy(update={"recent_bars": [uneven]})))
        push.send(b"{")
        push.send(encode(snapshot(2)))
        try:
            eventually(lambda: hub.view.snapshot is not None, what="the next good message")
        finally:
            hub.close()
    assert hub.view.snapshot == snapshot(2)
