"""Single steps of both services, each next to what limits it: the parser alone, the bytes alone, prometheus_client."""

import secrets
import time
from dataclasses import dataclass
from itertools import count
from statistics import median

import msgspec
import numpy as np

from analytics.engine import Engine
from bench.figures import Compared, TargetCheck, at_most
from bench.peers import BATCH, Order, frames_of
from bench.timing import Comparison, measure
from ingest.checking.checker import Checker
from ingest.checking.rate_limit import RateLimit, RateLimiter
from ingest.checking.sequences import SequenceTracker
from loadtest.frames import symbol_name
from telemetry_runtime import Burst
from telemetry_schema.batch import TRADE_DTYPE, FastHeader, Records, TradeBatch, decode_batch, encode_batch

MAX_FOLD_US = 60.0
"""Target: a batch of 256 trades is applied and folded in less."""

MAX_REFUSE_US = 50_000.0
"""Target: no message holds up ingest for longer, whatever it holds."""

_SYMBOLS = 10
_ROUNDS = 64
"""Batches applied in one go: as under load, where analytics takes up to so many from its socket at once."""


def _comparisons() -> list[Comparison]:
    single, columns = _check("single", "one JSON message each"), _check("columns", f"columns of {BATCH}")
    limited = [_limit(floods) for floods in (1, 2)]
    return [single, columns, *limited, _refuse(), _decode_batch(), _fold(), _fold_alone()]


def steps(*, repeats: int) -> list[Compared]:
    """All of them."""
    return [measure(comparison, repeats=repeats) for comparison in _comparisons()]


_BURSTS = 8
"""Different bursts: few enough to stay in the processor's cache, as messages do that have just been received."""


def _checker() -> Checker:
    # A run is forgotten before its burst comes again, so that no trade is ever a duplicate.
    return Checker(SequenceTracker(max_runs=_BURSTS // 2, max_sources=100), max_ahead_ns=5_000_000_000)


def _bursts(form: str, trades: int) -> list[Burst]:
    """The same burst, of a new run each time."""
    run = secrets.token_hex(4)
    frames = frames_of(Order("", form, trades, _SYMBOLS, run))
    new_runs = [f"{number:08x}".encode() for number in range(_BURSTS)]
    return [Burst([frame.replace(run.encode(), new) for frame in frames], []) for new in new_runs]


def _check(form: str, what: str) -> Comparison:
    checker, bursts, turn = _checker(), _bursts(form, BATCH), count()
    decode = msgspec.json.decode
    return Comparison(
        f"ingest: decode, check and number a trade, {what}",
        "parse the same JSON (msgspec), nothing else",
        lambda: checker.check(bursts[next(turn) % _BURSTS], time.time_ns()),
        lambda: [decode(frame) for frame in bursts[next(turn) % _BURSTS].frames],
        BATCH,
    )


def _limit(floods: int) -> Comparison:
    """What so many floods cost that are refused by the rate limit; ZeroMQ takes them in turn."""
    limiter, now_ns = RateLimiter(RateLimit(messages_per_s=1.0), max_sources=100), time.monotonic_ns()
    names = [b'"flood-%d"' % number for number in range(floods)]
    bursts = [
        Burst([burst.frames[place // floods].replace(b'"bench"', names[place % floods]) for place in range(BATCH)], [])
        for burst in _bursts("single", BATCH)
    ]
    checker, turn = _checker(), count()
    return Comparison(
        f"ingest: refuse a message of {floods} flood{'s' * (floods > 1)} beyond the rate limit",
        "decode, check and number it",
        lambda: limiter.admit(bursts[0], now_ns),
        lambda: checker.check(bursts[next(turn) % _BURSTS], time.time_ns()),
        BATCH,
    )


def _refuse() -> Comparison:
    """What one hostile client can make ingest do with one message."""
    keys = b"".join(b',"k%d":1' % number for number in range(80_000))
    burst, checker = Burst([b'{"type":"trade","source":"hostile"' + keys + b"}"], []), _checker()
    return Comparison(
        "ingest: refuse a message of 80,000 keys",
        "parse the same JSON (msgspec), nothing else",
        lambda: checker.check(burst, time.time_ns()),
        lambda: msgspec.json.decode(burst.frames[0]),
    )


@dataclass(frozen=True, slots=True)
class Stream:
    """Batches of one stream, all with the same trades, shape (n,)."""

    records: Records
    symbols: list[str]

    def batch(self, first_seq: int) -> TradeBatch:
        """One of them. Nothing checks it here: that is the decoder's work, which is timed apart."""
        header = FastHeader(
            stream="bench",
            first_seq=first_seq,
            count=len(self.records),
            symbols=self.symbols,
            sources=["bench"],
            sent_ns=time.time_ns(),
        )
        return TradeBatch.of(header, self.records)


def stream_of(symbols: int, trades: int = BATCH) -> Stream:
    """Trades of now, dealt to so many symbols."""
    rng = np.random.default_rng(3)
    records = np.zeros(trades, TRADE_DTYPE)
    now_ns = time.time_ns()
    records["event_ns"] = records["sent_ns"] = now_ns - np.arange(trades)[::-1] * 1_000
    records["received_ns"] = now_ns
    records["price"] = 100 + rng.normal(0, 1, trades)
    records["qty"] = rng.lognormal(0, 1, trades)
    records["symbol"] = np.arange(trades) % symbols
    records["side"] = rng.integers(0, 2, trades)
    return Stream(records, [symbol_name(number) for number in range(symbols)])


def _decode_batch() -> Comparison:
    head, body = encode_batch(stream_of(_SYMBOLS).batch(0))
    return Comparison(
        f"analytics: decode and check a batch of {BATCH}",
        "np.frombuffer of its records, nothing else",
        lambda: decode_batch([head, bytes(body)]),
        lambda: np.frombuffer(body, TRADE_DTYPE),
    )


def engine() -> Engine:
    """As analytics makes it."""
    return Engine(max_symbols=200, max_sources=100, recent_trades=512)


def _fold() -> Comparison:
    tested, stream, seq = engine(), stream_of(_SYMBOLS), count(0, BATCH)

    def apply() -> None:
        now_ns = time.time_ns()
        for _ in range(_ROUNDS):
            tested.apply(stream.batch(next(seq)), now_ns=now_ns, monotonic_ns=now_ns)

    return Comparison(
        f"analytics: apply and fold a batch of {BATCH}, as under load",
        "np.add.reduceat over one column of it",
        apply,
        lambda: [np.add.reduceat(stream.records["qty"], [0, 128]) for _ in range(_ROUNDS)],
        _ROUNDS,
    )


def _fold_alone() -> Comparison:
    tested, stream, seq = engine(), stream_of(_SYMBOLS), count(0, BATCH)

    def apply() -> None:
        tested.apply(stream.batch(next(seq)), now_ns=time.time_ns(), monotonic_ns=time.time_ns())
        tested.fold()

    return Comparison(
        f"analytics: apply and fold a batch of {BATCH}, each alone",
        "np.add.reduceat over one column of it",
        apply,
        lambda: np.add.reduceat(stream.records["qty"], [0, 128]),
    )


def targets(measured: list[Compared]) -> list[TargetCheck]:
    """What single steps may take."""
    fold = next(each for each in measured if "as under load" in each.name)
    refuse = next(each for each in measured if "80,000 keys" in each.name)
    return [
        at_most(f"apply and fold a batch of {BATCH}, µs", median(fold.ours), MAX_FOLD_US, "{:.1f}"),
        at_most("refuse a message of 80,000 keys, µs", median(refuse.ours), MAX_REFUSE_US, "{:.1f}"),
    ]
