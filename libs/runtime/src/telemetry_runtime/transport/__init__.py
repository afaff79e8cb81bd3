"""ZeroMQ PUSH/PULL, and ROUTER for acknowledgements: the only package of the services that imports zmq.

The consumer binds (`PullSource`), the producer connects (`PushSink`, `DroppingSink`): start order does not matter.
What a sink does when its queue is full is its type: `PushSink.send` waits, `DroppingSink.offer` drops and counts.

The sockets are plain, not `zmq.asyncio`: one wait a burst on the socket's file descriptor, then everything that is
there is taken without waiting (ADR 3 has the figures). `thread_link` is for a process whose event loop is not ours.
`curve` and `authenticator` say who may connect.
"""

from telemetry_runtime.transport.authenticator import PeerAuthenticator
from telemetry_runtime.transport.curve import CurveClient, CurveServer, KeyFolder, ServiceKeys, new_key_pair
from telemetry_runtime.transport.gathering import Gathering
from telemetry_runtime.transport.pull import EdgePullSource, PullSource
from telemetry_runtime.transport.push import DroppingSink, PushSink
from telemetry_runtime.transport.router import RouterChannel
from telemetry_runtime.transport.security import EndpointSecurity, is_loopback
from telemetry_runtime.transport.sockets import local_endpoint
from telemetry_runtime.transport.thread_link import MAX_WAITING, ThreadLink

__all__ = [
    "MAX_WAITING",
    "CurveClient",
    "CurveServer",
    "DroppingSink",
    "EdgePullSource",
    "EndpointSecurity",
    "Gathering",
    "KeyFolder",
    "PeerAuthenticator",
    "PullSource",
    "PushSink",
    "RouterChannel",
    "ServiceKeys",
    "ThreadLink",
    "is_loopback",
    "local_endpoint",
    "new_key_pair",
]
