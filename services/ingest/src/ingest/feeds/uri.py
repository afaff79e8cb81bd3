"""From a setting to a feed: `scheme://target?option=value&…`.

| URI | options |
|---|---|
| `sim://BTC-USD,ETH-USD` | `rate` in trades/s over all symbols (50), `seed` (random), `burst` from 0 to 0.9 (0.5) |
| `sim-orders://bot-1` | a simulated bot: `rate` in orders/s (2), `seed` (random), `differ` of the peer's reports (0), |
| | `lost` fills and `rejects` from 0 to 1 (0.05, 0.06), `symbols` (BTC-USD,ETH-USD), `lot` in units of base (0.1), |
| | `reports` of its peer about positions, 0 or 1 (1) |
| `replay:///path/file.gz` | `venue` (a must), `speed` a factor or `max` (1), `source` (venue), `history` 0, 1 (0), |
| | `symbol` of a CSV file without such a column (what the file's name says) |
| `binance://btcusdt,ethusdt` | `url` of the server (the venue's) |

Paths are absolute (`replay:///data/x.gz`) or relative (`replay://./x.gz`). In paths, symbols and options a blank is
written `%20`, `,` in a symbol `%2C`, `?` `%3F`, `&` in an option `%26`, `%` itself `%25`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, TypeAlias
from unicodedata import normalize
from urllib.parse import parse_qsl, unquote, urlsplit

from ingest.feeds.base import Feed, FeedUriError
from ingest.feeds.binance import BinanceFeed, BinanceSettings
from ingest.feeds.market import MAX_BURST_RATIO, MAX_RATE, MAX_SYMBOLS
from ingest.feeds.replay import AS_FAST_AS_POSSIBLE, ReplayFeed, ReplaySettings
from ingest.feeds.sim import SimFeed, SimSettings
from ingest.feeds.sim_orders import SimOrdersFeed, SimOrdersSettings
from ingest.feeds.venues import VENUES
from telemetry_runtime import Clock
from telemetry_schema import is_name

Settings: TypeAlias = SimSettings | SimOrdersSettings | ReplaySettings | BinanceSettings

_MAX_SEED: Final = 2**63 - 1
_MAX_SPEED: Final = 1e6
_MAX_ORDER_RATE: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """A feed as it was asked for."""

    name: str
    """The URI without its options."""
    settings: Settings


def parse_feed(uri: str) -> FeedSpec:
    """What a URI asks for.

    Raises:
        FeedUriError: it is not understood; the message says what to write instead.
    """
    name, _, query = uri.partition("?")
    scheme, separator, target = name.partition("://")
    if not separator or scheme not in _SCHEMES:
        examples = ", ".join(example for example, _ in _SCHEMES.values())
        raise FeedUriError(f"{uri!r} is not a feed: write one like {examples}")
    example, parse = _SCHEMES[scheme]
    try:
        return FeedSpec(name, parse(target, _Options(query)))
    except _OptionError as error:
        raise FeedUriError(f"{uri!r}: {error}. An example: {example}") from error


def open_feed(spec: FeedSpec, clock: Clock, rng: Random) -> Feed:
    """The feed; it does nothing before its bursts are read.

    Raises:
        FeedUriError: there is no such recording.
    """
    match spec.settings:
        case SimSettings() as settings:
            return SimFeed(spec.name, settings, clock, rng)
        case SimOrdersSettings() as settings:
            return SimOrdersFeed(spec.name, settings, clock, rng)
        case ReplaySettings() as settings:
            if not settings.path.is_file():
                raise FeedUriError(f"{spec.name!r}: there is no file {settings.path.absolute()}")
            return ReplayFeed(spec.name, settings, clock)
        case BinanceSettings() as settings:
            return BinanceFeed(spec.name, settings, clock, rng)


class _OptionError(ValueError):
    """What is wrong with the target or an option."""


class _Options:
    """The options of a URI, each taken once; what is left over is unknown."""

    def __init__(self, query: str) -> None:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError as error:
            raise _OptionError(f"{query!r} is not option=value&option=value") from error
        self._left: dict[str, str] = dict(pairs)
        if len(self._left) != len(pairs):
            raise _OptionError("an option is given twice")
        self._known: list[str] = []

    def take(self, option: str) -> str | None:
        """The option's value; None if it is not given."""
        self._known.append(option)
        return self._left.pop(option, None)

    def number(self, option: str, default: float, low: float, high: float) -> float:
        """A number between two bounds, both included."""
        text = self.take(option)
        if text is None:
            return default
        value = _float(text)
        if low <= value <= high:
            return value
        raise _OptionError(f"{option}={text} is not a number from {low:g} to {high:g}")

    def finish(self) -> None:
        """Refuses what nobody took."""
        if self._left:
            unknown, known = ", ".join(sorted(self._left)), ", ".join(self._known)
            raise _OptionError(f"unknown option {unknown}; the options are {known}")


def _sim(target: str, options: _Options) -> SimSettings:
    settings = SimSettings(
        symbols=_symbols(target),
        rate=options.number("rate", SimSettings.DEFAULT_RATE, 1e-3, MAX_RATE),
        seed=_seed(options.take("seed")),
        burst=options.number("burst", SimSettings.DEFAULT_BURST, 0.0, MAX_BURST_RATIO),
    )
    options.finish()
    return settings


def _sim_orders(target: str, options: _Options) -> SimOrdersSettings:
    bot = normalize("NFC", _decoded(_given(target, "the name of a bot")))
    if not is_name(bot):
        raise _OptionError(f"{bot[:64]!r} is not a name")
    settings = SimOrdersSettings(
        bot=bot,
        rate=options.number("rate", SimOrdersSettings.DEFAULT_RATE, 1e-3, _MAX_ORDER_RATE),
        seed=_seed(options.take("seed")),
        differ_qty=options.number("differ", 0.0, -1e6, 1e6),
        lost_ratio=options.number("lost", SimOrdersSettings.lost_ratio, 0.0, 1.0),
        rejected_ratio=options.number("rejects", SimOrdersSettings.rejected_ratio, 0.0, 1.0),
        symbols=_symbols(symbols) if (symbols := options.take("symbols")) is not None else SimOrdersSettings.symbols,
        lot_qty=options.number("lot", SimOrdersSettings.lot_qty, 1e-6, 1e6),
        has_reports=_flag("1" if (reports := options.take("reports")) is None else reports, "reports"),
    )
    options.finish()
    return settings


def _replay(target: str, options: _Options) -> ReplaySettings:
    settings = ReplaySettings(
        path=Path(_given(_decoded(target), "the path of a file")),
        venue=_venue(options.take("venue")),
        speed=_speed(options),
        source=_source(options.take("source")),
        symbol=_source(options.take("symbol")),
        history=_flag(options.take("history"), "history"),
    )
    options.finish()
    return settings


def _binance(target: str, options: _Options) -> BinanceSettings:
    symbols = tuple(symbol.lower() for symbol in _symbols(target))
    if bad := [symbol for symbol in symbols if not symbol.replace("_", "").isalnum()]:
        raise _OptionError(f"{bad[0]!r} is not a Binance symbol like btcusdt")
    settings = BinanceSettings(symbols, _url(options.take("url")))
    options.finish()
    return settings


_SCHEMES: Final[Mapping[str, tuple[str, Callable[[str, _Options], Settings]]]] = {
    "sim": ("sim://BTC-USD,ETH-USD?rate=200&seed=7", _sim),
    "sim-orders": ("sim-orders://bot-1?rate=2&seed=7", _sim_orders),
    "replay": ("replay:///path/file.gz?venue=binance&speed=max", _replay),
    "binance": ("binance://btcusdt,ethusdt", _binance),
}


def _float(text: str) -> float:
    """A number as people write it; NaN if it is none. `float` would also read digits of other scripts and `1_0`."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _decoded(text: str) -> str:
    """The text with its percent escapes replaced."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise _OptionError(f"{text[:64]!r} has escapes that are not UTF-8") from error


def _given(text: str, what: str) -> str:
    if text and "\0" not in text:
        return text
    raise _OptionError(f"{what} is missing after ://")


def _symbols(target: str) -> tuple[str, ...]:
    # Split first: a comma within a symbol is written %2C.
    symbols = tuple(normalize("NFC", _decoded(symbol)) for symbol in _given(target, "a list of symbols").split(","))
    for symbol in symbols:
        if "://" in symbol:
            raise _OptionError(f"{symbol[:64]!r} is another feed: feeds have blanks between")
        if not is_name(symbol):
            raise _OptionError(f"{symbol[:64]!r} is not a symbol")
    if len({symbol.lower() for symbol in symbols}) != len(symbols):
        raise _OptionError("a symbol is given twice")
    if len(symbols) > MAX_SYMBOLS:
        raise _OptionError(f"{len(symbols)} symbols; at most {MAX_SYMBOLS} are possible")
    return symbols


def _seed(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < len(str(_MAX_SEED)):
        return int(text)
    raise _OptionError(f"seed={text} is not a whole number of at most {len(str(_MAX_SEED)) - 1} digits")


def _venue(text: str | None) -> str:
    if text is not None and text in VENUES:
        return text
    given = f"venue={text} is not known" if text else "venue is missing"
    raise _OptionError(f"{given}; the venues are {', '.join(VENUES)}")


def _speed(options: _Options) -> float:
    text = options.take("speed")
    if text is None:
        return 1.0
    if text == "max":
        return AS_FAST_AS_POSSIBLE
    speed = _float(text)
    if 0 < speed <= _MAX_SPEED:
        return speed
    raise _OptionError(f"speed={text} is neither max nor a factor above 0, at most {_MAX_SPEED:g}")


def _source(text: str | None) -> str | None:
    if text is None or is_name(text):
        return text
    raise _OptionError(f"source={text[:64]!r} is not a name")


def _flag(text: str | None, option: str) -> bool:
    if text in {None, "0", "1"}:
        return text == "1"
    raise _OptionError(f"{option}={text} is neither 0 nor 1")


def _url(text: str | None) -> str:
    if text is None:
        return BinanceSettings.DEFAULT_URL
    try:
        good = urlsplit(text).scheme in {"ws", "wss"} and bool(urlsplit(text).hostname)
    except ValueError:
        good = False
    if good:
        return text.rstrip("/")
    raise _OptionError(f"url={text} is not like ws://127.0.0.1:9443")
