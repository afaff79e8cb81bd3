"""Ports that nobody else can take between the moment one learns their number and the moment one listens there."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A free port that is this test's own until the end: connecting is refused until somebody listens.

    A socket that is bound but does not listen keeps the system from giving the port away; whoever sets `SO_REUSEADDR`,
    as libzmq and asyncio do, may listen there all the same.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield int(holder.getsockname()[1])


@contextmanager
def room_for_files(count: int) -> Iterator[None]:
    """This process may hold so many files, as far as the system lets it: both ends of its connections are such."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
