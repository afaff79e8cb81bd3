"""CSV files of trades: by header, in any order, case and encoding; public dumps; and what cannot be read."""

import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feeds import recording
from ingest.feeds.base import FeedTrade, RecordingError
from ingest.feeds.venues.csv_layout import layout_of
from ingest.feeds.venues.csv_rows import CsvParser, row_time_ns
from ingest.feeds.venues.frames import FrameError
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.opened import all_bursts, opened, trades_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

START_NS = 1_750_000_000_000_000_000  # 2025-06-15T15:06:40Z
HEADER = "symbol,side,price,amount,timestamp"
ROWS = [
    f"BTC-USD,{side},{100 + number}.5,0.{number + 1},2025-06-15T15:06:4{number}.281719Z"
    for number, side in enumerate(["sell", "buy", "sell", "buy"])
]
PLAIN = "\n".join([HEADER, *ROWS]) + "\n"


async def replayed(path: Path, options: str = "") -> list[FeedTrade]:
    bursts = await all_bursts(opened(f"replay://{path}?venue=csv&speed=max{options}", FakeClock()))
    assert [refusal.detail for burst in bursts for refusal in burst.refusals] == []
    return trades_of(bursts)


def written(tmp_path: Path, content: str | bytes, name: str = "x.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def moved(text: str) -> str:
    rows = [line.split(",") for line in text.splitlines()]
    return "\n".join(",".join(row[index] for index in (4, 2, 0, 3, 1)) for row in rows)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.csv", content)
    return packed.getvalue()


VARIANTS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "byte-order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16, little end first": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "Windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "no line end at the end": lambda text: text.rstrip("\n").encode(),
    "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "semicolons and decimal commas": lambda text: text.replace(",", ";").replace(".5;0.", ",5;0,").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "blanks around fields": lambda text: text.replace(",", " , ").encode(),
    "columns moved": lambda text: moved(text).encode(),
    "header in capitals": lambda text: text.replace(HEADER, HEADER.upper()).encode(),
    "sides in capitals": lambda text: text.replace("sell", "SELL").replace("buy", "Buy").encode(),
    "sides as letters": lambda text: text.replace("sell", "S").replace("buy", "b").encode(),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{field}"' for field in line.split(",")) for line in text.splitlines()
    ).encode(),
    "other words": lambda text: text.replace(HEADER, "Pair,Taker Side,px,Quantity,Trade-Time").encode(),
    "more columns": lambda text: text.replace("\n", ",note\n").encode(),
    "newest first": lambda text: "\n".join([HEADER, *reversed(text.splitlines()[1:])]).encode(),
    "two files in one": lambda text: text.replace(ROWS[2], f"{HEADER}\n{ROWS[2]}").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zip": lambda text: zipped(text.encode()),
    "zstd": lambda text: zstd.compress(text.encode()),
    "zstd of UTF-16": lambda text: zstd.compress(text.encode("utf-16")),
}


@pytest.mark.parametrize("variant", VARIANTS)
async def test_the_same_trades_are_read_from_every_kind_of_file(tmp_path: Path, variant: str) -> None:
    """The name says nothing about the content."""
    trades = await replayed(written(tmp_path, VARIANTS[variant](PLAIN), "trades.dat"))

    assert [(trade.symbol, trade.side, trade.price, trade.qty) for trade in trades] == [
        ("BTC-USD", "sell", 100.5, 0.1),
        ("BTC-USD", "buy", 101.5, 0.2),
        ("BTC-USD", "sell", 102.5, 0.3),
        ("BTC-USD", "buy", 103.5, 0.4),
    ]
    assert [trade.event_ns - START_NS for trade in trades] == [
        281_719_000 + second * 1_000_000_000 for second in range(4)
    ]
    assert all(trade.received_ns == trade.sent_ns == trade.event_ns for trade in trades)


SPOT = "5000000007,93000.50,0.25,23250.125,{time},False,True"
UM_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker"
AGG_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


@pytest.mark.parametrize(
    ("lines", "side"),
    [
        ([SPOT.format(time=1_750_000_000_123)], "buy"),
        ([SPOT.format(time=1_750_000_000_123_000)], "buy"),
        ([UM_HEADER, "5000000007,93000.50,0.25,23250.125,1750000000123,true"], "sell"),
        (["5000000007,93000.50,0.25,23250.125,1750000000123,true"], "sell"),
        (["id,price,qty,base_qty,time,is_buyer_maker", "5000000007,93000.50,100,0.25,1750000000123,true"], "sell"),
        (["5000000007,93000.50,0.25,700,701,1750000000123,False,True"], "buy"),
        ([AGG_HEADER, "5000000007,93000.50,0.25,700,701,1750000000123,true"], "sell"),
        (["5000000007,93000.50,0.25,700,701,1750000000123,true"], "sell"),
    ],
    ids=["spot ms", "spot us", "um", "um bare", "cm", "spot agg", "um agg", "um agg bare"],
)
@pytest.mark.parametrize("kind", ["trades", "aggTrades"])
async def test_binances_public_dumps_are_read_with_and_without_header(
    tmp_path: Path, lines: list[str], side: str, kind: str
) -> None:
    content = zipped("\n".join(lines).encode())

    (trade,) = await replayed(written(tmp_path, content, f"BTCUSDT-{kind}-2025-06-15.zip"))

    assert (trade.symbol, trade.side, trade.price, trade.qty, trade.id) == (
        "BTCUSDT",
        side,
        93000.5,
        0.25,
        "5000000007",
    )
    assert trade.event_ns == START_NS + 123_000_000


async def test_a_number_without_a_trade_in_a_futures_dump_is_counted_by_kind(tmp_path: Path) -> None:
    lines = [UM_HEADER, "1,93000.50,0.25,23250.125,1750000000123,true", "2,0,0.000,0,1750000000124,true"]
    path = written(tmp_path, "\n".join(lines))

    (burst,) = await all_bursts(opened(f"replay://{path}?venue=csv&speed=max", FakeClock()))

    assert (len(burst.trades), burst.ignored, dict(burst.kinds), burst.refusals) == (1, 1, {"NA": 1}, [])


async def test_a_tardis_file_has_both_times_and_an_id(tmp_path: Path) -> None:
    lines = [
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
        "binance,ETHUSDT,1750000000123456,1750000000200001,88,sell,3100.5,0.5",
        "binance,ETHUSDT,1750000000123457,1750000000200002,89,unknown,3100.5,0.5",
    ]
    (trade,) = await replayed(written(tmp_path, "\n".join(lines)), "&source=tardis")

    assert (trade.source, trade.symbol, trade.id, trade.side) == ("tardis", "ETHUSDT", "88", "sell")
    assert (trade.event_ns - START_NS, trade.received_ns - START_NS) == (123_456_000, 200_001_000)


@pytest.mark.parametrize(
    ("name", "options", "symbol"),
    [
        ("BTCUSD_PERP-aggTrades-2025-06.csv", "", "BTCUSD_PERP"),
        ("my-eth.csv.gz", "", "my-eth"),
        ("my-eth.csv", "&symbol=ETH-USD", "ETH-USD"),
    ],
)
async def test_without_a_column_the_symbol_is_given_or_that_of_the_files_name(
    tmp_path: Path, name: str, options: str, symbol: str
) -> None:
    path = written(tmp_path, SPOT.format(time=1_750_000_000_123), name)

    assert [trade.symbol for trade in await replayed(path, options)] == [symbol]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time,open,high,low,close\n1,2,3,4,5\n", r"no column for price, qty, side in its header 'time,open,high"),
        ("symbol,price,amount,timestamp\nBTC,1,2,3\n", r"no column for side .*known are: symbol,side,price"),
        ("hello\nworld\n", r"header 'hello'; known are: .*Tardis; Binance's public dumps"),
        ("", "is empty"),
        ("\n \r\n", "is empty"),
        ("#\n", r"header ''"),
        ("\0\0\0\0", r"known are"),
        ('1750000000000000000 {"stream":"a@trade","data":{}}', "venue=binance would fit"),
        pytest.param(zipped(b"")[:20], "cannot read", id="a zip archive that was cut"),
        (b"PK\x05\x06" + bytes(18), "holds 0 files"),
        (zstd.compress(PLAIN.encode())[:30], "cannot read"),
        (b"\x28\xb5\x2f\xfdgarbage", "cannot read"),
    ],
)
async def test_what_cannot_be_read_says_what_was_found_and_what_is_known(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(RecordingError, match=message):
        await replayed(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nsymbol;side;price;amount;timestamp\nBTC;buy;1,5;2;1750000000000\n",
        "\n# made by hand\n#\nsymbol,side,price,amount,timestamp\nBTC,buy,1.5,2,1750000000000\n",
        "instrument_name,trade_id,side,price,size,created_time\nBTC,1,buy,1.5,2,1750000000000\n",
        "ts_recv,ts_event,action,side,price,size,symbol\n1750000000000000000,1750000000000000000,T,B,1.5,2,BTC\n",
        "symbol,side,price,amount,timestamp\nBTC,BID,1.5,2,1750000000000\n",
        "symbol,side,price,amount,timestamp\nBTC,Buyer,1.5,2,1750000000000\n",
    ],
)
async def test_remarks_before_the_header_and_other_usual_names_are_read(tmp_path: Path, content: str) -> None:
    (trade,) = await replayed(written(tmp_path, content, "BTC-trades-2025.csv"))

    assert trade[1:5] == ("BTC", "buy", 2.0, 1.5)
    assert trade.event_ns == 1_750_000_000_000_000_000


async def test_a_row_whose_symbol_begins_like_a_remark_is_a_row(tmp_path: Path) -> None:
    content = "symbol,side,price,amount,timestamp\n#12,ask,1,2,1750000000000\nsep=;,a,1,2,1750000000001\n"

    found = await replayed(written(tmp_path, content))

    assert [(trade.symbol, trade.side) for trade in found] == [("#12", "sell"), ("sep=;", "sell")]


async def test_a_dump_without_header_is_known_also_where_its_first_row_has_an_exponent(tmp_path: Path) -> None:
    content = "7,1e-05,1000,1E-2,1750000000000,True\n8,0.00001,1000,0.01,1750000000001,false\n"

    found = await replayed(written(tmp_path, content))

    assert [(trade.price, trade.side, trade.id) for trade in found] == [(1e-5, "sell", "7"), (1e-5, "buy", "8")]


@pytest.mark.parametrize(
    ("magic", "what"), [(b"\xfd7zXZ\0", "xz"), (b"BZh91AY", "bzip2"), (b"PAR1\x15", "a Parquet file")]
)
@pytest.mark.parametrize("venue", ["csv", "binance"])
async def test_a_file_packed_in_another_way_says_how(tmp_path: Path, magic: bytes, what: str, venue: str) -> None:
    path = written(tmp_path, magic + b"rest")

    with pytest.raises(RecordingError, match=f"it is .*{what}; gzip, zip and zstd are known"):
        await all_bursts(opened(f"replay://{path}?venue={venue}", FakeClock()))


async def test_a_csv_file_given_for_a_venues_frames_is_recognised(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN)

    with pytest.raises(RecordingError, match="venue=csv would fit"):
        await all_bursts(opened(f"replay://{path}?venue=binance", FakeClock()))


async def test_a_bad_row_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    bad = [
        ROWS[0].replace("sell", "hold"),
        ROWS[0].replace("0.1", "0"),
        ROWS[0].replace("0.1", "-1"),
        ROWS[0].replace("0.1", "nan"),
        ROWS[0].replace("Z", ""),
        ROWS[0].replace("2025-06-15", "2025-13-15"),
        ROWS[0] + ",more",
        "BTC-USD",
        "\x00" * 50,
        '"' * 7,
    ]
    path = written(tmp_path, "\n".join([HEADER, ROWS[0], *bad, ROWS[1]]))

    (burst,) = await all_bursts(opened(f"replay://{path}?venue=csv&speed=max", FakeClock()))

    assert [refusal.frame.decode() for refusal in burst.refusals] == bad
    assert [trade.price for trade in burst.trades] == [100.5, 101.5]


async def test_a_long_file_that_is_newest_first_is_turned_round_and_gives_others_their_turn(tmp_path: Path) -> None:
    rows = [ROWS[0].replace("06:40", f"{second // 60:02}:{second % 60:02}") for second in range(3_600)]
    path = written(tmp_path, "\n".join([HEADER, *reversed(rows * 2)]))

    trades = await replayed(path)

    assert len(trades) == 7_200
    assert [trade.event_ns for trade in trades[:3_600]] == sorted(trade.event_ns for trade in trades[:3_600])
    assert sum(frame is recording.PAUSE for frame in recording.read_recording(path, "csv")) == 3


def test_a_file_that_is_newest_first_and_too_long_for_memory_is_an_error_that_says_what_to_do() -> None:
    rows = recording._turned_round(iter([ROWS[0].encode()] * 1_000), max_bytes=10_000)

    with pytest.raises(OSError, match="longer than 10000 bytes: sort it by time"):
        list(rows)


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1750000000", START_NS),
        ("1750000000.5", START_NS + 500_000_000),
        ("1750000000.123456789", START_NS + 123_456_789),
        ("1750000000123", START_NS + 123_000_000),
        ("1750000000123.25", START_NS + 123_250_000),
        ("1750000000123456", START_NS + 123_456_000),
        ("1750000000123456789", START_NS + 123_456_789),
        ("2025-06-15T15:06:40Z", START_NS),
        ("2025-06-15 15:06:40.123456789 UTC", START_NS + 123_456_789),
        ("2025-06-15T17:06:40,5+02:00", START_NS + 500_000_000),
        ("2025-06-15T17:06:40+0200", START_NS),
    ],
)
def test_times_are_exact_in_every_usual_form(text: str, expected_ns: int) -> None:
    assert row_time_ns(text) == expected_ns


@given(st.binary(max_size=200))
def test_no_bytes_make_a_layout_or_a_row_raise_anything_else(line: bytes) -> None:
    try:
        layout = layout_of(line)
    except FrameError:
        layout = layout_of(HEADER.encode())
    received_ns, parsed = CsvParser(None, layout).read(line)

    assert received_ns >= 0
    assert parsed.trades or parsed.fault or parsed.kind


@given(st.text(alphabet="0123456789.,-+:TZeE \u0661\u00b2", max_size=40))
def test_no_text_makes_a_time_raise_anything_else(text: str) -> None:
    try:
        assert 0 < row_time_ns(text) < 2**63
    except FrameError as error:
        assert str(error)  # noqa: PT017 - both outcomes are good
