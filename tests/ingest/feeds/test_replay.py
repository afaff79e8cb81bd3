"""Recordings, replayed: formats, pace, and what is wrong with a file."""

import asyncio
import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest

from ingest.feeds.base import FeedBurst, RecordingError
from ingest.feeds.recording import read_recording
from ingest.feeds.unpack import MAX_LINE_BYTES
from telemetry_runtime import SystemClock
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.frames_of import BINANCE, HYPERLIQUID, KRAKEN
from tests.ingest.feeds.opened import accepted_of, all_bursts, collect, first_bursts, frames_of, opened, trades_of

START_NS = 1_723_161_254_000_000_000
BOOK = b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT"}}'


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def received_at(offset_s: float, frame: bytes = BINANCE) -> bytes:
    return b"%d %b" % (START_NS + round(offset_s * 1e9), frame)


async def replayed(path: Path, options: str = "venue=binance") -> list[FeedBurst]:
    return await all_bursts(opened(f"replay://{path}?speed=max&{options}", FakeClock()))


async def test_gzip_is_recognised_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain.gz", received_at(0))
    zipped = tmp_path / "zipped.txt"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))

    assert await replayed(plain) == await replayed(zipped)


async def test_connection_lines_and_blank_lines_are_no_frames(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.ws",
        b"wss://ws.kraken.com <-> 1618678132.368463",
        b'wss://ws.kraken.com <- 1618678132.83097: {"event":"subscribe"}',
        b"",
        b"1618678150.8565571: " + KRAKEN,
    )

    (burst,) = await replayed(path, "venue=kraken_v1")

    assert (frames_of(burst), accepted_of(burst), len(burst.trades), burst.sizes) == (1, 1, 2, [2])
    assert burst.trades[0].received_ns == 1_618_678_150_856_557_100


@pytest.mark.parametrize(
    "head",
    [
        b"1750000000250000000 ",
        b"1750000000250000000\t",
        b"1750000000250000000   ",
        b"  1750000000250000000 ",
        b"1750000000250000 ",
        b"1750000000250 ",
        b"1750000000.25 ",
        b"1750000000.25: ",
        b"1750000000250: ",
        b"2025-06-15T15:06:40.25Z ",
        b"2025-06-15T17:06:40.250+02:00\t",
    ],
)
@pytest.mark.parametrize("end", [b"", b" ", b"\r"])
async def test_a_time_of_receipt_may_have_any_usual_unit(tmp_path: Path, head: bytes, end: bytes) -> None:
    (burst,) = await replayed(written(tmp_path / "x", head + BINANCE + end))

    assert [trade.received_ns for trade in burst.trades] == [1_750_000_000_250_000_000]
    assert not burst.refusals


async def test_a_csv_trade_is_received_when_it_happened(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.csv",
        b'"symbol","side","price","amount","timestamp"',
        b'"BTC-USD","sell",25741.02,0.02188038,"2023-09-05T16:00:01.281719Z"',
        b'"BTC-USD","sell",25741.02',
    )

    (burst,) = await replayed(path, "venue=csv")

    assert frames_of(burst) == 2
    assert [refusal.frame for refusal in burst.refusals] == [b'"BTC-USD","sell",25741.02']
    assert burst.trades[0].received_ns == burst.trades[0].event_ns == 1_693_929_601_281_719_000


async def test_a_line_without_a_time_of_receipt_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    bad = [BINANCE, b"soon: " + BINANCE, b"-5 {}", b"1e18 {}", b"99999999999999999999 {}", b"\xff\xfe\x00", b"12"]
    path = written(tmp_path / "x", received_at(0), *bad, received_at(1))

    (burst,) = await replayed(path)

    assert (accepted_of(burst), burst.ignored, len(burst.refusals)) == (2, 0, len(bad))
    assert [refusal.frame for refusal in burst.refusals] == bad


async def test_a_line_that_never_ends_is_refused_in_pieces(tmp_path: Path) -> None:
    path = written(tmp_path / "x", received_at(0), b"7" * (2 * MAX_LINE_BYTES + 100), received_at(1))

    bursts = await replayed(path)

    assert sum(len(burst.refusals) for burst in bursts) == 3
    assert sum(accepted_of(burst) for burst in bursts) == 2


async def test_a_truncated_gzip_file_gives_what_it_holds_and_then_an_error(tmp_path: Path) -> None:
    lines = b"".join(received_at(second, BINANCE) + b"\n" for second in range(20_000))
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(lines, mtime=0)[:-2_000])
    came: list[FeedBurst] = []

    with pytest.raises(RecordingError, match=r"cannot read .*cut\.gz: Compressed file ended"):
        await collect(opened(f"replay://{path}?venue=binance&speed=max", FakeClock()), came.append)

    assert len(trades_of(came)) > 1_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b garbage", "cannot read"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "cannot read"),
        (b"", "is empty$"),
        (gzip.compress(b"\n", mtime=0), "is empty$"),
        (b"hello\nworld\n", r"no line starts with a time of receipt: the first one starts with b'hello\\n'"),
        (b"\n" + HYPERLIQUID, "no line starts with a time of receipt: the first one starts with b'{\"channel"),
        (received_at(0, HYPERLIQUID), "venue=hyperliquid would fit"),
        (received_at(0, b'{"what":"is this"}'), "is not a recording of binance: no known frame at its beginning$"),
    ],
)
async def test_a_file_that_is_no_recording_of_the_venue_is_an_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(RecordingError, match=message):
        await replayed(path)


async def test_a_recording_that_vanished_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "x", received_at(0))
    feed = opened(f"replay://{path}?venue=binance", FakeClock())
    path.unlink()

    with pytest.raises(RecordingError, match="No such file"):
        await all_bursts(feed)


async def test_frames_come_at_their_recorded_distance_divided_by_the_speed(tmp_path: Path) -> None:
    path = written(tmp_path / "x", received_at(0), received_at(0), received_at(2), received_at(3), received_at(2.5))
    clock = FakeClock()
    start_ns = clock.now_ns()
    feed = opened(f"replay://{path}?venue=binance&speed=10", clock)
    came: list[tuple[float, int]] = []

    def note(burst: FeedBurst) -> None:
        came.append(((clock.now_ns() - start_ns) / 1e9, frames_of(burst)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(collect(feed, note))
        await clock.advance(0.199)
        assert came == [(0.0, 2)]
        await clock.advance(1)

    # The last frame is older than the one before it: it is due at once.
    assert came == [(0.0, 2), (0.2, 1), (0.3, 2)]


async def test_without_a_speed_the_pace_is_the_recorded_one(tmp_path: Path) -> None:
    path = written(tmp_path / "x", received_at(0), received_at(60))
    clock = FakeClock()
    reading = asyncio.ensure_future(all_bursts(opened(f"replay://{path}?venue=binance", clock)))

    await clock.advance(59.9)
    assert not reading.done()
    await clock.advance(0.2)
    assert len(trades_of(await reading)) == 2


async def test_at_full_speed_others_get_their_turn_between_two_bursts(tmp_path: Path) -> None:
    path = written(tmp_path / "x", *[received_at(second, BOOK) for second in range(5_000)])
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count_turns())
    bursts = await replayed(path)
    counting.cancel()

    assert len(bursts) == 10
    assert turns >= 8


async def test_a_replay_that_is_closed_halfway_leaves_no_file_open(tmp_path: Path) -> None:
    path = written(tmp_path / "x.gz", *[received_at(second) for second in range(2_000)])
    path.write_bytes(gzip.compress(path.read_bytes()))

    # An open file would be a ResourceWarning, which fails the test.
    bursts = await first_bursts(opened(f"replay://{path}?venue=binance&speed=max", SystemClock()), trades=1)

    assert [frames_of(burst) for burst in bursts] == [512]


def test_reading_takes_the_same_memory_whatever_the_length(tmp_path: Path) -> None:
    line = received_at(0, BOOK) + b"\n"
    path = tmp_path / "long.gz"
    path.write_bytes(gzip.compress(line * 200_000, compresslevel=1))  # 17 MB of text

    tracemalloc.start()
    frames = sum(1 for _ in read_recording(path, "binance"))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert frames == 200_000
    assert peak_bytes < 1_000_000


async def times_s(
    path: Path, clock: FakeClock, *, options: str = "", steps: tuple[tuple[float, float], ...]
) -> list[float]:
    """When each frame came, in seconds since the start, while the clock advances and its wall time is set."""
    start_ns, came = clock.monotonic_ns(), list[float]()

    def note(burst: FeedBurst) -> None:
        came.extend([(clock.monotonic_ns() - start_ns) / 1e9] * frames_of(burst))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(collect(opened(f"replay://{path}?venue=binance{options}", clock), note))
        for seconds, set_s in steps:
            await clock.advance(seconds)
            clock.set_wall(set_s)
    return came


@pytest.mark.parametrize("step_s", [3_600, -3_600])
async def test_a_replay_keeps_its_pace_when_the_wall_clock_is_set(tmp_path: Path, step_s: int) -> None:
    path = written(tmp_path / "x", *map(received_at, range(5)))

    assert await times_s(path, FakeClock(), steps=((1.5, step_s), (10, 0))) == [0, 1, 2, 3, 4]


async def test_a_recorder_whose_clock_was_set_neither_stops_the_replay_nor_floods_it(tmp_path: Path) -> None:
    """An hour back, then a hundred years ahead and back again."""
    far = 100 * 365 * 86_400
    offsets = [0, 1, -3_600, -3_599, -3_598, far, far + 1, 5, 6]
    path = written(tmp_path / "x", *map(received_at, offsets))

    assert await times_s(path, FakeClock(), steps=((20, 0),)) == [0, 1, 1, 2, 3, 3, 4, 4, 5]


async def test_a_quiet_hour_takes_an_hour_and_a_closed_night_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path / "x", *map(received_at, [0, 3_600, 3_600 + 3_601, 3_600 + 3_602]))

    assert await times_s(path, FakeClock(), steps=((4_000, 0),)) == [0, 3_600, 3_600, 3_601]


async def test_frames_that_are_a_little_out_of_order_keep_the_pace_of_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "x", *map(received_at, [0, 2, 1.5, 1.9, 3]))

    assert await times_s(path, FakeClock(), steps=((10, 0),)) == [0, 2, 2, 2, 3]


async def test_what_was_readable_before_the_end_of_a_cut_file_is_given_to_the_last_line(tmp_path: Path) -> None:
    lines = b"".join(received_at(second, BINANCE) + b"\n" for second in range(20_000))
    whole = gzip.compress(lines, mtime=0)[:-2_000]
    readable = zlib.decompressobj(31).decompress(whole).count(b"\n")
    path = tmp_path / "cut.gz"
    path.write_bytes(whole)
    came: list[FeedBurst] = []

    with pytest.raises(RecordingError, match="cannot read"):
        await collect(opened(f"replay://{path}?venue=binance&speed=max", FakeClock()), came.append)

    assert len(trades_of(came)) == readable
    assert readable % 512


async def test_a_file_that_is_cut_within_its_first_frames_gives_those(tmp_path: Path) -> None:
    # Stored, not compressed: what is there can be read byte by byte.
    lines = b"".join(received_at(second, BINANCE) + b"\n" for second in range(20))
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(lines, compresslevel=0)[:-1_000])
    came: list[FeedBurst] = []

    with pytest.raises(RecordingError, match="cannot read"):
        await collect(opened(f"replay://{path}?venue=binance&speed=max", FakeClock()), came.append)

    assert 1 <= len(trades_of(came)) < 20
