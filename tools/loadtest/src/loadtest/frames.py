"""The messages, encoded before they are due: a template a trade, into which numbers and times are written at C speed.

Each message is valid on its own: its source, its run, its number in the run, its times. JSON allows blanks before a
number, so all messages have one width, and a piece of them is one matrix of bytes.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loadtest.schedule import Ints

VARIANTS = 1_000
"""Different trades (symbol, side, quantity, price) that are dealt out in turn."""

_SEQ_DIGITS = 12
_NS_DIGITS = 19

Bytes = npt.NDArray[np.uint8]


class Encoder(Protocol):
    """Makes the messages of one run."""

    def encode(self, first_seq: int, due_ns: Ints) -> list[bytes]:
        """One message for each due time (epoch ns); the trades are numbered from `first_seq`."""
        ...


@dataclass(frozen=True, slots=True)
class MadeUpMarket:
    """What is traded: `VARIANTS` plausible trades, symbols in turn. Quantities in base, prices in quote per base."""

    symbols: list[str]
    sides: list[str]
    qtys: list[float]
    prices: list[float]

    @classmethod
    def made_up(cls, symbols: int, seed: int) -> "MadeUpMarket":
        """The same trades for the same seed, at least one a symbol."""
        rng = np.random.default_rng(seed)
        size = max(VARIANTS, symbols)
        number = np.arange(size) % symbols
        return cls(
            symbols=[symbol_name(each) for each in number.tolist()],
            sides=np.where(rng.random(size) < 0.5, "buy", "sell").tolist(),  # noqa: PLR2004 - a fair coin
            qtys=np.round(rng.lognormal(-1.0, 1.0, size) + 1e-4, 4).tolist(),
            prices=np.round((10 + number % 100 * 600) * (1 + rng.normal(0, 1e-3, size)), 2).tolist(),
        )


def symbol_name(number: int) -> str:
    """Symbols of the load test have names of their own, so that their trades can be counted apart from others'."""
    return f"LOAD-{number:04d}"


class SingleFrames:
    """One trade a message."""

    def __init__(self, source: str, run: str, market: MadeUpMarket) -> None:
        head = f'{{"type":"trade","source":"{source}","run":"{run}","seq":{"0" * _SEQ_DIGITS}'
        time = f',"event_ns":{"0" * _NS_DIGITS},"sent_ns":{"0" * _NS_DIGITS}'
        rows = [
            f'{head}{time},"symbol":"{symbol}","side":"{side}","qty":{qty},"price":{price}}}'
            for symbol, side, qty, price in zip(market.symbols, market.sides, market.qtys, market.prices, strict=True)
        ]
        self._width = max(len(row) for row in rows)
        padded = [row[:-1].ljust(self._width - 1) + "}" for row in rows]
        self._rows: Bytes = np.frombuffer("".join(padded).encode(), np.uint8).reshape(len(rows), self._width)
        self._seq = slice(len(head) - _SEQ_DIGITS, len(head))
        event = len(head) + len(',"event_ns":')
        sent = event + _NS_DIGITS + len(',"sent_ns":')
        self._times = (slice(event, event + _NS_DIGITS), slice(sent, sent + _NS_DIGITS))

    def encode(self, first_seq: int, due_ns: Ints) -> list[bytes]:
        """See `Encoder`."""
        seq = np.arange(first_seq, first_seq + due_ns.size)
        matrix = self._rows[seq % len(self._rows)]
        matrix[:, self._seq] = _unpadded(_digits(seq, _SEQ_DIGITS))
        digits = _digits(due_ns, _NS_DIGITS)
        for columns in self._times:
            matrix[:, columns] = digits
        blob, width = matrix.tobytes(), self._width
        return [blob[start : start + width] for start in range(0, len(blob), width)]


class ColumnFrames:
    """`batch` trades a message, in columns."""

    def __init__(self, source: str, run: str, market: MadeUpMarket, batch: int) -> None:
        self._batch = batch
        self._head = f'{{"type":"trades","source":"{source}","run":"{run}","seq":'.encode()
        starts = range(0, len(market.symbols), max(1, min(batch, len(market.symbols))))
        self._tails = [_columns(market, start, batch) for start in starts]

    def encode(self, first_seq: int, due_ns: Ints) -> list[bytes]:
        """See `Encoder`."""
        more, tails, batch = self._batch - 1, self._tails, self._batch
        frames: list[bytes] = []
        for number, due in enumerate(due_ns.tolist()):
            seq = first_seq + number * batch
            time = b"%d" % due
            tail = tails[seq // batch % len(tails)]
            frames.append(
                b'%b%d,"sent_ns":%b,"event_ns":[%b%b]%b' % (self._head, seq, time, (time + b",") * more, time, tail)
            )
        return frames


def _columns(market: MadeUpMarket, start: int, batch: int) -> bytes:
    size = len(market.symbols)
    pick = [(start + number) % size for number in range(batch)]
    symbol = ",".join(f'"{market.symbols[each]}"' for each in pick)
    side = ",".join(f'"{market.sides[each]}"' for each in pick)
    qty = ",".join(str(market.qtys[each]) for each in pick)
    price = ",".join(str(market.prices[each]) for each in pick)
    return f',"symbol":[{symbol}],"side":[{side}],"qty":[{qty}],"price":[{price}]}}'.encode()


def _thousands() -> Bytes:
    table = np.array([list(f"{number:03d}".encode()) for number in range(1_000)], np.uint8)
    table.flags.writeable = False
    return table


_THOUSANDS = _thousands()
"""The three digits of each number below 1,000: a look-up for three digits is cheaper than three divisions."""


def _digits(values: Ints, width: int) -> Bytes:
    """Decimal digits with leading zeros, shape (n, width)."""
    groups = -(-width // 3)
    digits = np.empty((values.size, groups, 3), np.uint8)
    rest = values
    for group in range(groups - 1, -1, -1):
        rest, part = np.divmod(rest, 1_000)
        digits[:, group] = _THOUSANDS[part]
    return digits.reshape(values.size, groups * 3)[:, groups * 3 - width :]


def _unpadded(digits: Bytes) -> Bytes:
    """Leading zeros as blanks, as JSON has no leading zeros."""
    seen = np.logical_or.accumulate(digits != ord("0"), axis=1)
    seen[:, -1] = True
    return np.where(seen, digits, np.uint8(ord(" ")))
