"""Clients that send numbered trades, count what they sent, and wait while nobody takes it."""

import threading
import time
from collections import Counter
from random import Random
from typing import Final

import zmq

from tests.helpers.trades import frame

SYMBOLS: Final = ("BTC-USD", "ETH-USD", "SOL-USD")


class Client:
    """One client in a thread: a few trades at a time, in columns and singly, so many a second."""

    def __init__(self, endpoint: str, source: str, *, rate: int, seed: int) -> None:
        self.source, self.sent = source, Counter[tuple[str, str]]()
        self._endpoint, self._rate, self._random = endpoint, rate, Random(seed)  # noqa: S311 - not for secrets
        self._next_seq = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Client":
        """Begins to send."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Sends no more; what is queued still goes out."""
        self._stop.set()
        self._thread.join(60)

    @property
    def total(self) -> int:
        """Trades sent so far."""
        return sum(self.sent.values())

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.sndhwm, push.linger, push.sndtimeo = 10, 30_000, 200
            push.connect(self._endpoint)
            while not self._stop.is_set():
                count = self._random.choice((1, 1, 1, 20, 50))
                message, trades = self._message(count)
                while not (sent := self._sent(push, message)) and not self._stop.is_set():
                    pass
                if sent:
                    self.sent.update(trades)
                    self._next_seq += count
                    self._stop.wait(count / self._rate)

    @staticmethod
    def _sent(push: "zmq.Socket[bytes]", message: bytes) -> bool:
        try:
            push.send(message)
        except zmq.Again:
            return False
        return True

    def _message(self, count: int) -> tuple[bytes, list[tuple[str, str]]]:
        now_ns = time.time_ns()
        trades = [(self._random.choice(SYMBOLS), self._random.choice(("buy", "sell"))) for _ in range(count)]
        head = {"source": self.source, "run": "r", "seq": self._next_seq, "sent_ns": now_ns}
        if count == 1:
            ((symbol, side),) = trades
            single = {"symbol": symbol, "side": side, "qty": 1.0, "price": 100.0, "event_ns": now_ns}
            return frame({"type": "trade", **head, **single}), trades
        columns = {
            "symbol": [symbol for symbol, _ in trades],
            "side": [side for _, side in trades],
            "qty": [1.0] * count,
            "price": [100.0] * count,
            "event_ns": [now_ns] * count,
        }
        return frame({"type": "trades", **head, **columns}), trades
