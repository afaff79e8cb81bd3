"""One good frame of each venue, in its shape with values of our own, and what each means."""

from typing import NamedTuple

from ingest.feeds.base import FeedTrade
from ingest.feeds.venues import VENUES, Parser

RECEIVED_NS = 1_750_000_000_150_000_000

BINANCE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1750000000125,"s":"BTCUSDT","t":4100000001,'
    b'"p":"64321.50000000","q":"0.03000000","T":1750000000123,"m":true,"M":true}}'
)
BINANCE_RAW = BINANCE[BINANCE.index(b'{"e"') : -1]
COINBASE = (
    b'{"type":"match","trade_id":2200001,"maker_order_id":"aaaa0001","taker_order_id":"bbbb0002","side":"sell",'
    b'"size":"320","price":"0.845","product_id":"ADA-USD","sequence":310000007,"time":"2025-06-15T15:06:40.121358Z"}'
)
OKX = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"500000012",'
    b'"px":"64310.2","sz":"0.0025","side":"buy","ts":"1750000000300"}]}'
)
KRAKEN = (
    b'[77,[["161.20000000","0.55000000","1750000000.500001","s","m",""],'
    b'["161.25000000","1.25000000","1750000000.600002","b","m",""]],"trade","XMR/USD"]'
)
HYPERLIQUID = (
    b'{"channel":"trades","data":[{"coin":"BTC","hash":"0x00","px":"64300.0","side":"B","sz":"0.04400",'
    b'"tid":600000000000001,"time":1750000000700,"users":["0x8a","0x68"]}]}'
)
CSV = b'"BTC-USD","sell",25741.02,0.02188038,"2023-09-05T16:00:01.281719Z"'


class Good(NamedTuple):
    venue: str
    frame: bytes
    side: str
    qty: float
    price: float
    event_ns: int
    sent_ns: int
    run: str | None
    seq: int | None
    id: str | None


GOOD = [
    Good(
        *("binance", BINANCE, "sell", 0.03, 64321.5, 1_750_000_000_123_000_000, 1_750_000_000_125_000_000),
        *("BTCUSDT", 4100000001, "4100000001"),
    ),
    Good(
        *("binance", BINANCE_RAW, "sell", 0.03, 64321.5, 1_750_000_000_123_000_000, 1_750_000_000_125_000_000),
        *("BTCUSDT", 4100000001, "4100000001"),
    ),
    Good(
        *("coinbase_exchange", COINBASE, "buy", 320.0, 0.845, 1_750_000_000_121_358_000, 1_750_000_000_121_358_000),
        *("ADA-USD", 2200001, "2200001"),
    ),
    Good(
        *("okx", OKX, "buy", 0.0025, 64310.2, 1_750_000_000_300_000_000, 1_750_000_000_300_000_000),
        *("BTC-USDT", 500000012, "500000012"),
    ),
    Good(
        *("kraken_v1", KRAKEN, "sell", 0.55000000, 161.2, 1_750_000_000_500_001_000, 1_750_000_000_500_001_000),
        *(None, None, None),
    ),
    Good(
        *("hyperliquid", HYPERLIQUID, "buy", 0.04400, 64300.0, 1_750_000_000_700_000_000, 1_750_000_000_700_000_000),
        *(None, None, "600000000000001"),
    ),
    Good(
        *("csv", CSV, "sell", 0.02188038, 25741.02, 1_693_929_601_281_719_000, 1_693_929_601_281_719_000),
        *(None, None, None),
    ),
]


def parser_of(venue: str) -> Parser:
    return VENUES[venue](None)


def feed_trade(seq: int | None = None, event_ns: int = RECEIVED_NS, kind: str | None = None) -> FeedTrade:
    """A trade of a feed, numbered or not."""
    return FeedTrade(
        source="venue",
        symbol="BTC",
        side="buy",
        qty=1.0,
        price=2.0,
        event_ns=event_ns,
        sent_ns=event_ns,
        received_ns=event_ns,
        run="BTC" if seq is not None else None,
        seq=seq,
        kind=kind,
    )
