"""The link of one thread: both ways, bounded, and gone when it is closed."""

import queue
import threading
from pathlib import Path

import pytest
import zmq

from telemetry_runtime import StartupError
from telemetry_runtime.transport import MAX_WAITING, DroppingSink, PullSource, ThreadLink, local_endpoint


class Ends:
    """Two endpoints and what came in at the link."""

    def __init__(self, folder: Path) -> None:
        self.to_link, self.from_link = local_endpoint(folder, "to"), local_endpoint(folder, "from")
        self.came: queue.Queue[bytes] = queue.Queue()
        self.link = ThreadLink(pull_endpoint=self.to_link, push_endpoint=self.from_link, on_message=self.came.put)


@pytest.fixture
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends(tmp_path_factory.mktemp("link"))


async def test_messages_go_both_ways_in_order(ends: Ends) -> None:
    async with PullSource(ends.from_link) as source, DroppingSink(ends.to_link, high_water_mark=1_000) as sink:
        with ends.link as link:
            for i in range(100):
                assert link.send(b"%d" % i)
                assert sink.offer([b"%d" % i])
            got: list[bytes] = []
            while len(got) < 100:
                got += [bytes(frames[0]) for frames in await source.receive()]
            assert got == [b"%d" % i for i in range(100)]
            assert [ends.came.get(timeout=5) for _ in range(100)] == got


async def test_what_is_sent_before_the_other_side_is_there_arrives_when_it_is(ends: Ends) -> None:
    with ends.link as link:
        assert link.send(b"early")
        async with PullSource(ends.from_link) as source:
            (frames,) = await source.receive()
            assert bytes(frames[0]) == b"early"


def test_a_queue_that_nobody_empties_is_bounded_and_sending_never_waits(ends: Ends) -> None:
    with ends.link as link:
        # What libzmq itself holds comes on top; more than both is refused.
        taken = sum(link.send(b"x") for _ in range(5 * MAX_WAITING))
    assert MAX_WAITING <= taken < 5 * MAX_WAITING


def test_after_the_close_the_thread_is_gone_and_nothing_is_taken(ends: Ends) -> None:
    with ends.link as link:
        assert "link" in {thread.name for thread in threading.enumerate()}
    assert "link" not in {thread.name for thread in threading.enumerate()}
    assert not link.send(b"late")


def test_an_endpoint_that_is_taken_is_seen_at_once(ends: Ends) -> None:
    with ends.link, zmq.Context() as context, context.socket(zmq.PULL) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        taken = ThreadLink(
            pull_endpoint=f"tcp://127.0.0.1:{port}", push_endpoint=ends.from_link, on_message=ends.came.put
        )
        with pytest.raises(StartupError, match="the address is in use"), taken:
            pass
