"""The sockets of a durable client: whatever becomes of the connection, they can be closed."""

import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from telemetry_client import InvalidSettingError
from telemetry_client.durable.link import Link
from tests.helpers.ports import held_port
from tests.helpers.services import eventually


@contextmanager
def link_to_one_who_does_not_read() -> Iterator[tuple[Link, "zmq.Context[zmq.Socket[bytes]]"]]:
    """A connected link whose queue is full, and the context of its peer."""
    with held_port() as port, held_port() as acks_port:
        context = zmq.Context()
        pull = context.socket(zmq.PULL)
        pull.rcvhwm = 1
        pull.bind(f"tcp://127.0.0.1:{port}")
        link = Link(f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{acks_port}", None)
        link.connect()
        eventually(lambda: link.wait(0.05, for_room=False) == [] and link.is_connected)
        # Full, and still full after libzmq had time to take what it can.
        eventually(lambda: not filled(link))
        try:
            yield link, context
        finally:
            context.destroy(linger=0)


def filled(link: Link) -> int:
    """How many messages had room."""
    count = 0
    while link.offer(b"x" * 20_000):
        count += 1
    return count


def test_a_link_whose_peer_went_with_messages_in_the_queue_can_be_closed() -> None:
    with link_to_one_who_does_not_read() as (link, context):
        context.destroy(linger=0)
        eventually(lambda: link.wait(0.05, for_room=True) == [] and link.is_broken)
        closing = threading.Thread(target=link.close, args=(0.0,), daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
@pytest.mark.parametrize("left", [0, 1, 2])
def test_without_file_descriptors_left_the_error_says_so_and_none_is_kept(left: int) -> None:
    # With some more than these libzmq itself gives up, with an assertion.
    before = sorted(Path("/dev/fd").iterdir())
    with (
        descriptors_left(left),
        pytest.raises(InvalidSettingError, match="Too many open files"),
    ):
        Link("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", None)
    assert sorted(Path("/dev/fd").iterdir()) == before


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """This process may open so many files more, unless there are gaps among those that are open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
