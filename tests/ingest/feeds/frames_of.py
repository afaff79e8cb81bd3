"""One good frame of each venue, as recorded, and what each means."""

from typing import NamedTuple

from ingest.feeds.venues import VENUES, Parser

RECEIVED_NS = 1_723_161_254_087_896_568

BINANCE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
    b'"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
BINANCE_RAW = BINANCE[BINANCE.index(b'{"e"') : -1]
COINBASE = (
    b'{"type":"match","trade_id":1568268,"maker_order_id":"cac01d6d","taker_order_id":"3dec64e4","side":"sell",'
    b'"size":"450","price":"0.791","product_id":"SKL-USD","sequence":201390075,"time":"2021-04-17T16:43:37.121358Z"}'
)
OKX = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"318019571",'
    b'"px":"30236","sz":"0.0011","side":"buy","ts":"1652459225600"}]}'
)
KRAKEN = (
    b'[993,[["354.04000000","0.28245396","1618678150.826417","s","m",""],'
    b'["353.81000000","1.71754604","1618678150.827816","b","m",""]],"trade","XMR/USD"]'
)
HYPERLIQUID = (
    b'{"channel":"trades","data":[{"coin":"BTC","hash":"0x00","px":"105056.0","side":"B","sz":"0.02222",'
    b'"tid":917211710228416,"time":1737918847000,"users":["0x8a","0x68"]}]}'
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
        *("binance", BINANCE, "sell", 0.02, 61837.63, 1_723_161_255_342_000_000, 1_723_161_255_343_000_000),
        *("BTCUSDT", 3735683259, "3735683259"),
    ),
    Good(
        *("binance", BINANCE_RAW, "sell", 0.02, 61837.63, 1_723_161_255_342_000_000, 1_723_161_255_343_000_000),
        *("BTCUSDT", 3735683259, "3735683259"),
    ),
    Good(
        *("coinbase_exchange", COINBASE, "buy", 450.0, 0.791, 1_618_677_817_121_358_000, 1_618_677_817_121_358_000),
        *("SKL-USD", 1568268, "1568268"),
    ),
    Good(
        *("okx", OKX, "buy", 0.0011, 30236.0, 1_652_459_225_600_000_000, 1_652_459_225_600_000_000),
        *("BTC-USDT", 318019571, "318019571"),
    ),
    Good(
        *("kraken_v1", KRAKEN, "sell", 0.28245396, 354.04, 1_618_678_150_826_417_000, 1_618_678_150_826_417_000),
        *(None, None, None),
    ),
    Good(
        *("hyperliquid", HYPERLIQUID, "buy", 0.02222, 105056.0, 1_737_918_847_000_000_000, 1_737_918_847_000_000_000),
        *(None, None, "917211710228416"),
    ),
    Good(
        *("csv", CSV, "sell", 0.02188038, 25741.02, 1_693_929_601_281_719_000, 1_693_929_601_281_719_000),
        *(None, None, None),
    ),
]


def parser_of(venue: str) -> Parser:
    return VENUES[venue](None)
