"""Parsers, one file per venue: frame in, trades out, pure.

| file | what it holds |
|---|---|
| `frames` | the only place that decodes venues' JSON: types, numbers, names and times |
| `parser` | `VenueParser`: which frames are read, ignored or refused |
| `binance`, `coinbase_exchange`, `hyperliquid`, `kraken_v1`, `okx` | one venue each |
| `csv_layout`, `csv_rows` | CSV files: which column is what, and rows |

To add a venue:

1. Write `NAME.py` here with a `VenueParser`. Declare the frames' shape with `Frame`, and say whose side `side` is
   (ours is the taker's). Say whether ids are dense (then they are `run` and `seq`), which frames repeat history, and
   which kinds of trades are no part of the market's flow (`kind` of a trade, `kinds` of the parser).
2. Name it in `VENUES` below: `replay://…?venue=NAME` then works.
3. Add one good frame to `tests/ingest/feeds/frames_of.py` and a short recording, written by hand, to
   `tests/golden/venues`: the tests of all venues then run on it too.
4. For a live connection, write a `Feed` beside `ingest/feeds/binance.py` and a scheme in `ingest/feeds/uri.py`.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ingest.feeds.base import ParsedFrame
from ingest.feeds.venues.binance import BinanceParser
from ingest.feeds.venues.coinbase_exchange import CoinbaseExchangeParser
from ingest.feeds.venues.csv_rows import CsvParser
from ingest.feeds.venues.hyperliquid import HyperliquidParser
from ingest.feeds.venues.kraken_v1 import KrakenV1Parser
from ingest.feeds.venues.okx import OkxParser

__all__ = ["VENUES", "Parser", "look_alike"]


class Parser(Protocol):
    """Frames of one connection, in their order, to trades."""

    def parse(self, frame: bytes, received_ns: int) -> ParsedFrame:
        """The trades of one frame, received at this time; never raises."""
        ...

    def knows(self, frame: bytes) -> bool:
        """Whether the frame looks like one of this venue's."""
        ...


VENUES: Final[Mapping[str, Callable[[str | None], Parser]]] = {
    "binance": BinanceParser,
    "coinbase_exchange": CoinbaseExchangeParser,
    "csv": CsvParser,
    "hyperliquid": HyperliquidParser,
    "kraken_v1": KrakenV1Parser,
    "okx": OkxParser,
}
"""Makes a venue's parser for one connection; the argument is the trades' source, the venue's name if None."""


def look_alike(frame: bytes) -> str | None:
    """The venue that a frame looks like."""
    return next((venue for venue, parser in VENUES.items() if parser(None).knows(frame)), None)
