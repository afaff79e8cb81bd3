"""A bot whose orders live while something is looked at, for the stack and for processes."""

import time
from typing import Final

import zmq

from ingest.feeds.order_bot import SimulatedBot
from telemetry_client import Publisher
from tests.helpers.background import Background

SEED: Final = 7
NAME: Final = "sim-bot"


class Bot(Background):
    """Sends what a simulated bot does, several orders a second, while its context is open; one rests all the time."""

    def __init__(self, endpoint: str, rate: float = 10.0) -> None:
        self._endpoint, self._rate = endpoint, rate
        super().__init__("bot")

    def _run(self) -> None:
        run, start_ns = f"{time.time_ns()}", time.monotonic_ns()
        bot = SimulatedBot(name=NAME, run=run, seed=SEED, rate=self._rate, start_ns=start_ns)
        with (
            Publisher(self._endpoint, NAME) as publisher,
            zmq.Context() as context,
            context.socket(zmq.PUSH) as push,
        ):
            push.linger = 1_000
            push.connect(self._endpoint)
            publisher.rate_limit("sim", "orders", used=12, allowed=100, interval_s=60.0)
            publisher.order_submitted("rests", "BTC-USD", "buy", 1.0, 1.0, account=NAME, strategy="maker")
            while not self._ended.wait(0.02):
                for frame in bot.due(time.monotonic_ns(), time.time_ns()):
                    push.send(frame)
