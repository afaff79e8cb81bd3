"""The truth of *Trading* and *Microstructure*: trades of one symbol, of which each is known."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from tests.stack.checks import Between, Check, Exact, Total, Truth, by_source, one, served
from tests.stack.planted import Sold
from tests.stack.traffic import BURST_TRADES, MARKET_SYMBOL, Outcome

AGES: Final = "seconds pass between the last trade and the look"
RATES: Final = "rate() extrapolates, does not see the first value of a series, and loses what comes around a stop"
MEASURED: Final = "the study's own tests hold it against an independent recomputation; here, that the panel shows it"
Measure = Callable[[Sequence[Sold]], float]


def of_market(measure: Measure, line: str = "", scale: float = 1.0) -> Truth:
    """A measure of the market's trades."""
    return lambda outcome: {line: scale * measure(outcome.market)}


def in_windows(measure: Measure, *windows: str) -> Truth:
    """The same in each of these windows: all trades are in all of them."""
    return lambda outcome: dict.fromkeys(windows, measure(outcome.market))


def volume(trades: Sequence[Sold], side: str = "") -> float:
    return sum(trade.qty for trade in trades if side in {"", trade.side})


def turnover(trades: Sequence[Sold]) -> float:
    return sum(trade.qty * trade.price for trade in trades)


def vwap(trades: Sequence[Sold]) -> float:
    return turnover(trades) / volume(trades)


def imbalance(trades: Sequence[Sold]) -> float:
    return (volume(trades, "buy") - volume(trades, "sell")) / volume(trades)


def last(trades: Sequence[Sold]) -> float:
    return trades[-1].price


def away(trades: Sequence[Sold]) -> float:
    return 1e4 * (last(trades) / vwap(trades) - 1)


def change(trades: Sequence[Sold]) -> float:
    return last(trades) / trades[0].price - 1


def high(trades: Sequence[Sold]) -> float:
    return max(trade.price for trade in trades)


def low(trades: Sequence[Sold]) -> float:
    return min(trade.price for trade in trades)


def volatility(trades: Sequence[Sold]) -> float:
    closes = {trade.event_ns // 1_000_000_000: trade.price for trade in trades}
    return math.sqrt(sum(math.log(after / before) ** 2 for before, after in pairwise(closes.values())))


def sizes(trades: Sequence[Sold]) -> list[float]:
    return [trade.qty for trade in trades]


def gaps_s(trades: Sequence[Sold]) -> list[float]:
    return [(after.event_ns - before.event_ns) / 1e9 for before, after in pairwise(trades)]


def burstiness(trades: Sequence[Sold]) -> float:
    deviation, mean = statistics.pstdev(gaps_s(trades)), statistics.mean(gaps_s(trades))
    return (deviation - mean) / (deviation + mean)


def count(trades: Sequence[Sold]) -> float:
    return float(len(trades))


def rate(window: str) -> Truth:
    """Trades a second of the seconds that the window covers so far, by the same scrape: they grow while one looks."""
    covered = f'trading_window_covered_seconds{{symbol="{MARKET_SYMBOL}",origin="market",window="{window}"}}'

    def found(outcome: Outcome) -> Mapping[str, float]:
        (line,) = outcome.planted.prometheus.at(covered, outcome.times_s["market"])
        return {MARKET_SYMBOL: len(outcome.market) / max(line.last, 1)}

    return found


def now(ref: str, truth: Truth, off: float = 1e-9) -> Exact:
    """While the trades are in all windows."""
    return Exact(ref, truth, at="market", off=off)


def sided(sign: int) -> Truth:
    """Of AAA-USD: half of what flowed before the deaths, as it is bought and sold in turn."""
    return lambda outcome: {"": sign * 0.25 * outcome.planted.senders["steady"].marked}


LONG: Final = ("1m", "5m", "1h")
WINDOWS: Final = ("10s", *LONG)
OF_AAA: Final = {"symbol": "AAA-USD"}

TRADING: Final[Mapping[str, Sequence[Check]]] = {
    "Last price": [now("A", of_market(last, MARKET_SYMBOL))],
    "From VWAP, 1 m": [now("A", of_market(away, MARKET_SYMBOL), off=1e-6)],
    "Trades": [now("A", rate("10s"))],
    "Turnover, 1 m": [
        now("A", of_market(turnover, MARKET_SYMBOL)),
        Exact("A", one(lambda _: 2.0 * BURST_TRADES, "CCC-USD"), at="burst", chosen={"symbol": "CCC-USD"}),
    ],
    "Imbalance, 1 m": [now("A", of_market(imbalance, f"{MARKET_SYMBOL} 1m"))],
    "Last trade": [Between(["A"], 1, 30, AGES, at="market")],
    "Candles, $candle": [
        now("Open", of_market(lambda trades: trades[0].price, f"{MARKET_SYMBOL} 10s")),
        now("High", of_market(high, f"{MARKET_SYMBOL} 10s")),
        now("Low", of_market(low, f"{MARKET_SYMBOL} 10s")),
        now("Close", of_market(last, f"{MARKET_SYMBOL} 10s")),
        now("Volume", of_market(volume)),
    ],
    "Top symbols, 5 m": [
        now("last", of_market(last, MARKET_SYMBOL)),
        now("change", of_market(change, MARKET_SYMBOL)),
        now("turnover", of_market(turnover, MARKET_SYMBOL)),
        now("rate", rate("5m")),
        now("imbalance", of_market(imbalance, MARKET_SYMBOL)),
        Exact("turnover", one(lambda _: 2.0 * BURST_TRADES, "CCC-USD"), at="burst"),
    ],
    "Price and VWAP": [
        now("A", of_market(last, MARKET_SYMBOL)),
        now("B", in_windows(vwap, *(f"{MARKET_SYMBOL} {window}" for window in LONG))),
    ],
    "Distance from VWAP": [
        Exact("A", in_windows(away, *(f"{MARKET_SYMBOL} {window}" for window in LONG)), at="market", off_by=1e-6)
    ],
    "Realised volatility": [
        now("A", in_windows(volatility, *(f"{MARKET_SYMBOL} {window}" for window in LONG)), off=1e-6)
    ],
    "Symbols compared": [now("A", one(lambda _: 0.0, "AAA-USD"))],
    "Volume by side": [
        Total("A", sided(1), at="market", chosen=OF_AAA, off=0.35, why=RATES),
        Total("B", sided(-1), at="market", chosen=OF_AAA, off=0.35, why=RATES),
    ],
    "Trades by side": [
        Total("A", lambda o: {"": 2 * sided(1)(o)[""]}, at="market", chosen=OF_AAA, off=0.35, why=RATES),
        Total("B", lambda o: {"": 2 * sided(-1)(o)[""]}, at="market", chosen=OF_AAA, off=0.35, why=RATES),
    ],
    "Imbalance": [now("A", in_windows(imbalance, *(f"{MARKET_SYMBOL} {window}" for window in WINDOWS)))],
    "Windows": [
        now("length", lambda _: {"10s": 10, "1m": 60, "5m": 300, "1h": 3_600}),
        Between(["covered"], 2, 30, AGES, at="market", lines=WINDOWS),
        now("trades", in_windows(count, *WINDOWS)),
        now("volume", in_windows(volume, *WINDOWS)),
        now("vwap", in_windows(vwap, *WINDOWS)),
        now("qty_mean", in_windows(lambda trades: statistics.mean(sizes(trades)), *WINDOWS)),
        now("qty_std", in_windows(lambda trades: statistics.pstdev(sizes(trades)), *WINDOWS), off=1e-6),
        now("qty_max", in_windows(lambda trades: max(sizes(trades)), *WINDOWS)),
        Exact("trades", lambda _: dict.fromkeys(WINDOWS, BURST_TRADES), at="burst", chosen={"symbol": "CCC-USD"}),
    ],
    "Trade size quantiles": [
        now("A", of_market(lambda trades: statistics.median(sizes(trades)), f"0.5 {MARKET_SYMBOL}"))
    ],
    "Arrivals": [
        now("A", of_market(lambda trades: statistics.mean(gaps_s(trades)), MARKET_SYMBOL), off=1e-6),
        Exact("B", of_market(burstiness, MARKET_SYMBOL), at="market", off_by=1e-6),
    ],
    "Turnover by symbol": [now("A", of_market(turnover, MARKET_SYMBOL, 0.1))],
    "Trades by source": [Total("A", by_source("accepted"))],
}


def study(name: str, line: str = MARKET_SYMBOL, **labels: str) -> Truth:
    """What a study found, if it did: in two seconds of trades not all of them do."""
    return served(f"trading_study_{name}", line, symbol=MARKET_SYMBOL, **labels)


def seen(ref: str, truth: Truth, off: float = 1e-9) -> Exact:
    """What a study found, as it is shown."""
    return Exact(ref, truth, at="market", off=off, why=MEASURED)


def by_price(name: str, *, less_one: bool = False) -> Truth:
    """In basis points of the last price."""

    def found(outcome: Outcome) -> Mapping[str, float]:
        share = study(name)(outcome)[MARKET_SYMBOL] / last(outcome.market)
        return {MARKET_SYMBOL: 1e4 * (1 - share if less_one else share)}

    return found


def delta(trades: Sequence[Sold]) -> float:
    return volume(trades, "buy") - volume(trades, "sell")


def large(trades: Sequence[Sold]) -> float:
    limit = 5 * statistics.mean(sizes(trades))
    return sum(size for size in sizes(trades) if size >= limit) / volume(trades)


MICROSTRUCTURE: Final[Mapping[str, Sequence[Check]]] = {
    "Spread (Roll), 5 m": [seen("A", by_price("roll_spread"))],
    "Kyle's lambda, 5 m": [seen("A", study("kyle_lambda"))],
    "Illiquidity, 5 m": [seen("A", study("amihud_illiquidity"))],
    "VPIN": [seen("A", study("vpin_ratio"))],
    "Jump share, 5 m": [seen("A", study("jump_share_ratio"))],
    "CVD": [now("A", of_market(delta, MARKET_SYMBOL))],
    "Price, TWAP, session": [
        now("A", of_market(last, MARKET_SYMBOL)),
        seen("B", study("twap")),
        Between(
            ["C"],
            98,
            102,
            "the prices of all trades are in this range, and both lines have the same labels",
            at="market",
        ),
    ],
    "Closed bars": [Between(["A"], 98, 102, "the prices of all trades are in this range", at="market")],
    "Volume of closed bars": [Between(["A"], 0, 300, "it is of a bar that depends on the second", at="market")],
    "Volatility, 5 m": [
        seen("A", lambda o: {MARKET_SYMBOL: math.sqrt(study("realised_variance")(o)[MARKET_SYMBOL])}),
        seen("B", lambda o: {MARKET_SYMBOL: math.sqrt(study("bipower_variation")(o)[MARKET_SYMBOL])}),
    ],
    "Jump share": [seen("A", study("jump_share_ratio"))],
    "Arrivals": [
        now("A", of_market(lambda trades: statistics.mean(gaps_s(trades)), MARKET_SYMBOL), off=1e-6),
        seen("B", study("interarrival_dispersion_ratio")),
    ],
    "Cumulative volume delta": [now("A", of_market(delta, MARKET_SYMBOL))],
    "Toxicity and large trades": [
        seen("A", study("vpin_ratio")),
        Between(["B"], 0, 1, "two studies of the same labels; the table has one of them exactly", at="market"),
    ],
    "Signs of trades": [
        seen("A", study("sign_autocorrelation_ratio", f"1 {MARKET_SYMBOL}", lag="1")),
        seen("B", study("smoothed_imbalance_ratio")),
    ],
    "Spread (Roll)": [seen("A", study("roll_spread"))],
    "Price impact": [seen("A", study("kyle_lambda"))],
    "Illiquidity": [seen("A", study("amihud_illiquidity"))],
    "Symbols": [
        seen("spread", by_price("roll_spread")),
        Exact("twap", by_price("twap", less_one=True), at="market", off_by=1e-6, why=MEASURED),
        seen("lambda", study("kyle_lambda")),
        seen("amihud", study("amihud_illiquidity")),
        seen("vpin", study("vpin_ratio")),
        seen("jumps", study("jump_share_ratio")),
        now("large", of_market(large, MARKET_SYMBOL)),
        now("cvd", of_market(delta, MARKET_SYMBOL)),
        seen("dispersion", study("interarrival_dispersion_ratio")),
    ],
    "Other studies": [now("A", one(lambda _: 0.0))],
    "Health of studies": [
        Between(["A"], 1, 1, "each is healthy", at="market"),
        now("B", one(lambda _: 0.0, "analytics")),
    ],
    "Failures of studies": [
        Between(["A", "C"], 0, 0, "none fails, and the worker runs", at="market"),
        Between(["B"], 0, 50, "a busy worker leaves runs out; how many depends on the machine", at="market"),
    ],
    "Run time of studies": [Between(["A"], 1e-6, 2, "what a run takes depends on the machine", at="market")],
}
