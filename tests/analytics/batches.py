"""Trades written down shortly, and the batches, engines and results made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.analysis import Analysis, Results
from analytics.cooperative import run
from analytics.engine import Engine
from analytics.state import State
from telemetry_runtime.fakes import FakeClock
from telemetry_schema import WINDOW_SETTLE_NS
from telemetry_schema.batch import BUY, SELL, TRADE_DTYPE, BatchHeader, CommandRef, TradeBatch

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
WHOLE_NS = SECOND + WINDOW_SETTLE_NS
"""So long after it began a second is in the windows."""
SETTLED = NOW + WHOLE_NS


@dataclass(frozen=True)
class T:
    """A trade: symbol, side, quantity, price, and seconds after `NOW`."""

    qty: float = 1.0
    price: float = 100.0
    at_ns: int = 0
    side: str = "buy"
    symbol: str = "A"
    source: str = "bot"
    account: str | None = None
    wire_ns: int = 1_000
    """From sent to received; it is sent when it happens."""

    @property
    def event_ns(self) -> int:
        return NOW + self.at_ns


def batch(
    trades: Sequence[T],
    *,
    first_seq: int = 0,
    stream: str = "s",
    sent_ns: int = NOW,
    replayed: Sequence[int] = (),
    commands: Sequence[CommandRef] = (),
    resume: bool = False,
    final: bool = False,
    epoch: int = 0,
    epoch_seq: int = 0,
) -> TradeBatch:
    """The trades as ingest would send them."""
    symbols = _table(trade.symbol for trade in trades)
    sources = _table(trade.source for trade in trades)
    accounts = _table(trade.account for trade in trades if trade.account)
    records = np.zeros(len(trades), TRADE_DTYPE)
    for record, trade in zip(records, trades, strict=True):
        record["event_ns"] = record["sent_ns"] = trade.event_ns
        record["received_ns"] = trade.event_ns + trade.wire_ns
        record["price"], record["qty"] = trade.price, trade.qty
        record["symbol"], record["source"] = symbols[trade.symbol], sources[trade.source]
        record["side"] = BUY if trade.side == "buy" else SELL
        record["account"] = accounts[trade.account] + 1 if trade.account else 0
    header = BatchHeader(
        stream=stream,
        epoch=epoch,
        epoch_seq=epoch_seq,
        first_seq=first_seq,
        count=len(trades),
        symbols=list(symbols),
        sources=list(sources),
        accounts=list(accounts),
        replayed=list(replayed),
        commands=list(commands),
        sent_ns=sent_ns,
        resume=resume,
        final=final,
    )
    return TradeBatch.of(header, records)


def _table(names: Iterable[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def engine(**settings: int) -> Engine:
    wanted: dict[str, Any] = {"max_symbols": 5, "max_sources": 5, "recent_trades": 16, **settings}
    return Engine(**wanted)


def applied(*batches: Sequence[T], now_ns: int = NOW, **settings: int) -> Engine:
    """An engine that has applied these batches of one stream, each folded by itself."""
    made, seq = engine(**settings), 0
    for trades in batches:
        made.apply(batch(trades, first_seq=seq), now_ns=now_ns, monotonic_ns=now_ns)
        made.fold()
        seq += len(trades)
    return made


def state_of(made: Engine, now_ns: int = NOW, monotonic_ns: int | None = None) -> State:
    return run(made.steps(now_ns=now_ns, monotonic_ns=now_ns if monotonic_ns is None else monotonic_ns))


def results(made: Engine, now_ns: int = NOW) -> Results:
    return run(Analysis(made, clock=FakeClock(now_ns)).steps())
