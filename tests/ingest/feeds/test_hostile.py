"""Frames and recordings that are damaged, or well formed and insane: no error escapes, and the work is bounded."""

import gzip
import io
import math
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.feeds.base import MAX_BURST_FRAMES, MAX_BURST_TRADES, FeedBurst, RecordingError
from ingest.feeds.venues import VENUES
from telemetry_runtime.fakes import FakeClock
from tests.helpers.examples import examples
from tests.ingest.feeds.frames_of import BINANCE, COINBASE, CSV, GOOD, HYPERLIQUID, KRAKEN, OKX, RECEIVED_NS, Good
from tests.ingest.feeds.opened import collect, frames_of, opened, trades_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e308",
    "1e309",
    "1e-330",
    "-1",
    "-0",
    "0",
    "0.0",
    "00",
    "",
    " ",
    "1_0",
    "0x1",
]
NUMBERS += ["9" * 40, "9" * 100_000, "1" + "0" * 39 + ".5", "\u0661", "1e", "+1", "1,5", "null", "true"]
INTEGERS = [-1, 0, 1, 2**31, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**40, -(2**63)]
DEEP = b"[" * 10_000 + b"]" * 10_000
WIDE = b"[" + b"1," * 1_000_000 + b"1]"

# The number fields of each venue's frame, as they stand in it.
STRINGS: dict[str, tuple[bytes, list[bytes]]] = {
    "binance": (BINANCE, [b'"64321.50000000"', b'"0.03000000"']),
    "coinbase_exchange": (COINBASE, [b'"320"', b'"0.845"']),
    "okx": (OKX, [b'"64310.2"', b'"0.0025"', b'"500000012"', b'"1750000000300"']),
    "kraken_v1": (KRAKEN, [b'"161.20000000"', b'"0.55000000"', b'"1750000000.500001"']),
    "hyperliquid": (HYPERLIQUID, [b'"64300.0"', b'"0.04400"']),
    "csv": (CSV, CSV.split(b",")[2:4]),
}
WHOLE: dict[str, tuple[bytes, list[bytes]]] = {
    "binance": (BINANCE, [b"4100000001", b"1750000000123", b"1750000000125"]),
    "coinbase_exchange": (COINBASE, [b"2200001", b"310000007"]),
    "hyperliquid": (HYPERLIQUID, [b"600000000000001", b"1750000000700"]),
    "kraken_v1": (KRAKEN, [b"77"]),
}


def assert_sane(bursts: list[FeedBurst]) -> None:
    """Every trade that came through can be counted, and no burst is unbounded."""
    for trade in trades_of(bursts):
        if trade.kind is None:
            assert math.isfinite(trade.price)
            assert 0 < trade.qty < math.inf
        assert 0 < trade.event_ns < 2**63
        assert 0 < trade.received_ns < 2**63
        assert trade.seq is None or 0 <= trade.seq < 2**63
        assert 0 < len(trade.symbol.encode()) <= 128
    assert all(frames_of(burst) <= MAX_BURST_FRAMES for burst in bursts)


async def replayed(path: Path, venue: str) -> tuple[list[FeedBurst], str | None]:
    """What came, and why it ended, if badly."""
    came: list[FeedBurst] = []
    try:
        await collect(opened(f"replay://{path}?venue={venue}&speed=max", FakeClock()), came.append)
    except RecordingError as error:
        return came, str(error)
    return came, None


def recorded(*frames: bytes) -> bytes:
    return b"".join(b"%d %b\n" % (RECEIVED_NS, frame) for frame in frames)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12] or "empty")
@pytest.mark.parametrize("venue", STRINGS)
def test_an_insane_number_in_a_string_is_a_trade_that_can_be_counted_or_refused(venue: str, number: str) -> None:
    frame, fields = STRINGS[venue]
    for field in fields:
        quote = b'"' if field.startswith(b'"') else b""
        assert field in frame
        parsed = VENUES[venue](None).parse(frame.replace(field, quote + number.encode() + quote, 1), RECEIVED_NS)
        assert parsed.trades or parsed.fault or parsed.kind
        assert_sane([FeedBurst(list(parsed.trades))])


@pytest.mark.parametrize("number", INTEGERS)
@pytest.mark.parametrize("venue", WHOLE)
def test_an_insane_whole_number_is_a_trade_that_can_be_counted_or_refused(venue: str, number: int) -> None:
    frame, fields = WHOLE[venue]
    for field in fields:
        parsed = VENUES[venue](None).parse(frame.replace(field, b"%d" % number, 1), RECEIVED_NS)
        assert_sane([FeedBurst(list(parsed.trades))])


@pytest.mark.parametrize("value", [DEEP, WIDE, b'"' + b"x" * 500_000 + b'"'], ids=["deep", "wide", "long"])
@pytest.mark.parametrize("venue", [venue for venue in STRINGS if venue != "csv"])
def test_deep_wide_and_long_values_are_refused_wherever_they_stand(venue: str, value: bytes) -> None:
    frame, fields = STRINGS[venue]
    for field in fields:
        parsed = VENUES[venue](None).parse(frame.replace(field, value, 1), RECEIVED_NS)
        assert parsed.fault
        assert not parsed.trades


@pytest.mark.parametrize("good", [good for good in GOOD if good.venue != "csv"], ids=lambda good: good.venue)
def test_a_good_frame_that_is_too_long_is_refused_unread(good: Good) -> None:
    """Each row costs a microsecond, so the size of a frame bounds the work."""
    frame = good.frame[:1] + b" " * 256 * 1024 + good.frame[1:]

    parsed = VENUES[good.venue](None).parse(frame, RECEIVED_NS)

    assert parsed.fault == f"{len(frame)} bytes; a frame about trades has at most 262144"
    assert VENUES[good.venue](None).parse(frame.replace(b" " * 1_000, b""), RECEIVED_NS).trades


def test_a_million_rows_are_refused_unread() -> None:
    row = b'["161.2","0.5","1750000000.5","s","m",""]'
    frame = b'[77,[%b],"trade","XMR/USD"]' % b",".join([row] * 1_000_000)

    assert "bytes" in str(VENUES["kraken_v1"](None).parse(frame, RECEIVED_NS).fault)


async def test_bursts_are_bounded_in_trades_and_bytes_too(tmp_path: Path) -> None:
    """600 frames of 200 trades: 120,000 trades in bursts that each fit a batch; then frames of a hundred kilobytes."""
    row = b'["161.2","0.5","1750000000.5","s","m",""]'
    frame = b'[77,[%b],"trade","XMR/USD"]' % b",".join([row] * 200)
    snapshot = b'[77,{"as":"%b"},"book-1000","XMR/USD"]' % (b"x" * 100_000)
    path = tmp_path / "x"
    path.write_bytes(recorded(*[frame] * 600, *[snapshot] * 100))

    bursts, failure = await replayed(path, "kraken_v1")

    assert failure is None
    assert len(trades_of(bursts)) == 120_000
    assert max(len(burst.trades) for burst in bursts) <= MAX_BURST_TRADES + 200
    assert max(burst.ignored for burst in bursts) <= 11


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    venue=st.sampled_from(list(VENUES)),
    pack=st.sampled_from([bytes, gzip.compress, zstd.compress]),
    content=st.lists(
        st.binary(max_size=80)
        | st.sampled_from([recorded(good.frame) for good in GOOD] + [CSV + b"\n", b"a,b\n", b"wss://x <-> 1\n", b"\n"]),
        max_size=12,
    ),
    cut=st.integers(0, 40),
    hole=st.integers(0, 400),
)
async def test_no_file_raises_anything_but_a_recording_error(
    tmp_path: Path, venue: str, pack: type[bytes], content: list[bytes], cut: int, hole: int
) -> None:
    whole = bytearray(pack(b"".join(content)))
    if hole < len(whole):
        whole[hole] ^= 0x55
    path = tmp_path / "x"
    path.write_bytes(bytes(whole[: len(whole) - cut]))

    bursts, _ = await replayed(path, venue)

    assert_sane(bursts)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 200), value=st.integers(0, 255), cut=st.integers(0, 30))
async def test_no_damage_to_a_zip_raises_anything_but_a_recording_error(
    tmp_path: Path, at: int, value: int, cut: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trades.csv", b"symbol,side,price,amount,timestamp\n" + CSV + b"\n")
    content = bytearray(packed.getvalue())
    content[at % len(content)] = value
    path = tmp_path / "x"
    path.write_bytes(bytes(content[: len(content) - cut]))

    bursts, _ = await replayed(path, "csv")

    assert_sane(bursts)
