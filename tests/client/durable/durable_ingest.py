"""A stand-in for ingest that acknowledges: a PULL and a ROUTER on the loopback, in one thread of its own."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import zmq

from telemetry_schema import Ack, AckRequest, decode_ack_request, encode
from tests.helpers.ports import held_port
from tests.helpers.services import eventually

Key = tuple[str, str, str]
"""Source, run, kind."""


class DurableIngest:
    """Takes numbers in order, as the real one does; what it has taken it keeps over `kill` and `start`."""

    def __init__(self) -> None:
        self._ports = ExitStack()
        self.endpoint, self.acks_endpoint = (
            f"tcp://127.0.0.1:{self._ports.enter_context(held_port())}" for _ in range(2)
        )
        self.taken: dict[Key, list[int]] = {}
        """Accepted numbers."""
        self.frames: list[dict[str, Any]] = []
        """All that came, in order, again what came again."""
        self.requests: list[AckRequest] = []
        self.is_acknowledging = True
        """Else it takes, and answers nothing."""
        self.silent_kinds: set[str] = set()
        """It never answers who asks about these."""
        self.plain_kinds: set[str] = set()
        """It says that it acknowledges none of these."""
        self.is_readable: Callable[[dict[str, Any]], bool] = lambda _message: True
        """What it cannot read is as if it had not come."""
        self.secret: bytes | None = None
        """The key of an ingest with keys, from its next start on."""
        self._next: dict[Key, int] = {}
        self._peers: dict[Key, tuple[bytes, int]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._said: dict[Key, int] = {}
        self._extra: list[tuple[Key, dict[str, Any]]] = []

    def start(self) -> Self:
        self._stop.clear()
        self._peers.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def kill(self) -> None:
        """Ends it at once: what it had not taken is gone."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def say(self, key: Key, **fields: Any) -> None:  # noqa: ANN401 - fields of an `Ack`
        """Sends an acknowledgement of its own."""
        self._extra.append((key, fields))

    def seqs(self, kind: str = "trade") -> list[int]:
        """Accepted numbers of that kind, of all runs."""
        return [seq for key, seqs in self.taken.items() if key[2] == kind for seq in seqs]

    def wait_for(self, count: int, kind: str = "trade") -> list[int]:
        """The numbers of that kind, once there are so many."""
        eventually(lambda: len(self.seqs(kind)) >= count, what=f"{count} of {kind}")
        return self.seqs(kind)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """All messages of a type that came."""
        return [frame for frame in self.frames if frame["type"] == kind]

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.ROUTER) as router:
            pull.linger = router.linger = 0
            for each in (pull, router) if self.secret else ():
                each.curve_server, each.curve_secretkey = True, self.secret
            pull.bind(self.endpoint)
            router.bind(self.acks_endpoint)
            poller = zmq.Poller()
            poller.register(pull, zmq.POLLIN)
            poller.register(router, zmq.POLLIN)
            while not self._stop.is_set():
                ready = dict(poller.poll(5))
                if router in ready:
                    self._answer(router)
                if pull in ready:
                    self._take(json.loads(pull.recv()))
                self._acknowledge(router)

    def _answer(self, router: "zmq.Socket[bytes]") -> None:
        peer, frame = router.recv_multipart()
        request = decode_ack_request(frame)
        self.requests.append(request)
        key = request.source, request.run, request.kind
        self._next[key] = max(self._next.get(key, 0), request.first_seq)
        if request.kind in self.silent_kinds:
            return
        self._peers[key] = peer, request.session
        if request.kind in self.plain_kinds:
            self._send(router, key, next_seq=0, refused=True)
            del self._peers[key]
        self._said = {}

    def _take(self, message: dict[str, Any]) -> None:
        self.frames.append(message)
        if message["type"] == "alive":
            self._miss(message)
        if "seq" not in message or not self.is_readable(message):
            return
        kind = "trade" if message["type"] == "trades" else message["type"]
        key = message["source"], message["run"], kind
        count = len(message["price"]) if message["type"] == "trades" else 1
        assert key in self._peers, "sent before it was asked where to go on"
        next_seq = self._next[key]
        if message["seq"] > next_seq:
            assert not self.is_readable(message | {"seq": next_seq}), "a gap"
            self._extra.append((key, {"next_seq": next_seq, "resend": True}))
            return
        self.taken.setdefault(key, []).extend(range(next_seq, message["seq"] + count))
        self._next[key] = max(next_seq, message["seq"] + count)

    def _miss(self, word: dict[str, Any]) -> None:
        """The sender's word how far it is comes behind its messages: what is missing by now is asked for."""
        key = word["source"], word["run"], word.get("kind", "trade")
        if key in self._peers and word["next_seq"] > self._next[key]:
            self._extra.append((key, {"next_seq": self._next[key], "resend": True}))

    def _acknowledge(self, router: "zmq.Socket[bytes]") -> None:
        while self._extra:
            key, fields = self._extra.pop()
            self._send(router, key, **fields)
        for key in list(self._peers) if self.is_acknowledging else ():
            if self._said.get(key) != self._next[key]:
                self._said[key] = self._next[key]
                self._send(router, key, next_seq=self._next[key])

    def _send(self, router: "zmq.Socket[bytes]", key: Key, **fields: Any) -> None:  # noqa: ANN401
        peer, session = self._peers[key]
        source, run, kind = key
        names = {"source": source, "run": run, "kind": kind, "session": session}
        router.send_multipart([peer, encode(Ack.model_validate(names | fields))])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._ports.close()
