"""A sender waits for ingest, whatever else is at its address before."""

import threading

import pytest
import zmq

from loadtest.sender import connect, wait_connected
from tests.helpers.ports import held_port


@pytest.mark.parametrize("other", [zmq.PUB, zmq.ROUTER])
def test_it_begins_once_ingest_is_there_and_not_another_program(other: int) -> None:
    with held_port() as port, zmq.Context() as context:
        endpoint = f"tcp://127.0.0.1:{port}"
        with zmq.Context() as others, others.socket(other) as wrong:
            wrong.bind(endpoint)
            socket = connect(context, endpoint)
            assert not socket.poll(500, zmq.POLLOUT)
        waiting = threading.Thread(target=wait_connected, args=(socket, endpoint, lambda: False))
        waiting.start()
        with context.socket(zmq.PULL) as ingest:
            ingest.bind(endpoint)
            waiting.join(20)
            assert not waiting.is_alive()
            socket.send(b"x")
            assert ingest.poll(10_000)
        socket.close(linger=0)


def test_one_that_is_stopped_waits_no_longer() -> None:
    with held_port() as port, zmq.Context() as context, connect(context, f"tcp://127.0.0.1:{port}") as socket:
        wait_connected(socket, f"tcp://127.0.0.1:{port}", lambda: True)
