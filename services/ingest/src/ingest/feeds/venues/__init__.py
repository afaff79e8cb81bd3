"""Parsers, one file a venue: frame in, trades out, pure. `frames` is where their JSON is decoded."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ingest.feeds.venues.binance import BinanceParser
from ingest.feeds.venues.coinbase_exchange import CoinbaseExchangeParser
from ingest.feeds.venues.csv_rows import CsvParser
from ingest.feeds.venues.hyperliquid import HyperliquidParser
from ingest.feeds.venues.kraken_v1 import KrakenV1Parser
from ingest.feeds.venues.okx import OkxParser
from ingest.feeds.venues.parser import IGNORED, ParsedFrame

__all__ = ["IGNORED", "VENUES", "ParsedFrame", "Parser", "look_alike"]


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
