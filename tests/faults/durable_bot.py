"""A bot with a durable publisher, as a program: `durable_bot.py ENDPOINT ACKS QUEUE DIARY SOURCE RATE SEED`.

Before each message its diary says what it is about to send, and after it that the publisher has kept it. So after a
kill it is known what was kept, but for the one message that it was at.
"""

import json
import os
import random
import signal
import sys
import time

from telemetry_client import Publisher

SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")


def main() -> int:
    """Sends until it is asked to stop; 1 if then not all was acknowledged."""
    endpoint, acks, queue, diary, source, rate, seed = sys.argv[1:]
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    choice = random.Random(int(seed))  # noqa: S311 - not for secrets
    fd = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    publisher = Publisher(endpoint, source, durable=queue, acks_endpoint=acks, block_s=600, linger_s=60)
    due_s = time.monotonic()
    while not stopping:
        count = choice.choice((1, 1, 20, 100, 400))
        trades = [
            (choice.choice(SYMBOLS), choice.choice(("buy", "sell")), choice.randint(1, 3), choice.randint(99, 101))
            for _ in range(count)
        ]
        os.write(fd, json.dumps(trades).encode() + b"\n")
        kept = _send(publisher, trades)
        os.write(fd, b"kept\n" if kept else b"refused\n")
        due_s = max(due_s + count / float(rate), time.monotonic() - 0.5)
        time.sleep(max(0.0, due_s - time.monotonic()))
    return int(not publisher.close())


def _send(publisher: Publisher, trades: list[tuple[str, str, int, int]]) -> bool:
    if len(trades) == 1:
        ((symbol, side, qty, price),) = trades
        return publisher.trade(symbol, side, qty, price)  # type: ignore[arg-type]  # one of both sides
    symbols, sides, qtys, prices = zip(*trades, strict=True)
    return publisher.trades(symbol=symbols, side=sides, qty=qtys, price=prices)


if __name__ == "__main__":
    sys.exit(main())
