"""From a setting to a feed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feeds.base import FeedUriError
from ingest.feeds.binance import BinanceSettings
from ingest.feeds.replay import AS_FAST_AS_POSSIBLE, ReplaySettings
from ingest.feeds.sim import SimSettings
from ingest.feeds.uri import parse_feed
from telemetry_runtime.fakes import FakeClock
from tests.ingest.feeds.opened import opened


@pytest.mark.parametrize(
    ("uri", "settings"),
    [
        ("sim://BTC-USD", SimSettings(("BTC-USD",), 50.0, None, 0.5)),
        (
            "sim://BTC-USD,ETH/USD?rate=200&seed=7&burst=0.25",
            SimSettings(("BTC-USD", "ETH/USD"), rate=200.0, seed=7, burst=0.25),
        ),
        ("replay:///data/x.gz?venue=binance", ReplaySettings(Path("/data/x.gz"), "binance", speed=1.0)),
        ("replay://./x.gz?venue=okx&speed=10", ReplaySettings(Path("x.gz"), "okx", speed=10.0)),
        (
            "replay://../a%20b.csv?venue=csv&speed=max&source=mine&history=1",
            ReplaySettings(Path("../a b.csv"), "csv", AS_FAST_AS_POSSIBLE, "mine", history=True),
        ),
        ("sim://NIFTY%2050,A%2CB,#12,M&M", SimSettings(("NIFTY 50", "A,B", "#12", "M&M"))),
        ("sim://e%CC%81", SimSettings(("\u00e9",))),
        ("binance://BTCUSD_260327", BinanceSettings(("btcusd_260327",))),
        (
            "replay://./x.csv?venue=csv&source=my%20bot&symbol=NIFTY%2050",
            ReplaySettings(Path("x.csv"), "csv", source="my bot", symbol="NIFTY 50"),
        ),
        ("binance://BTCUSDT,ethusdt", BinanceSettings(("btcusdt", "ethusdt"))),
        ("binance://btcusdt?url=ws://127.0.0.1:9443/", BinanceSettings(("btcusdt",), "ws://127.0.0.1:9443")),
    ],
)
def test_a_uri_says_what_feed_is_meant(uri: str, settings: object) -> None:
    spec = parse_feed(uri)

    assert spec.settings == settings
    assert spec.name == uri.partition("?")[0]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "write one like sim://BTC-USD"),
        ("BTC-USD", "is not a feed"),
        ("kraken://XBT-USD", "write one like"),
        ("SIM://BTC-USD", "is not a feed"),
        ("sim://", "a list of symbols is missing"),
        ("sim://BTC-USD,,ETH-USD", "'' is not a symbol"),
        ("sim://BTC ", "'BTC ' is not a symbol"),
        ("sim://BTC-USD,btc-usd", "a symbol is given twice"),
        ("sim://%FF", "has escapes that are not UTF-8"),
        ("sim://a%00b", "is not a symbol"),
        ("replay://./%FF?venue=csv", "has escapes that are not UTF-8"),
        ("sim://" + ",".join(f"S{number}" for number in range(10_001)), "at most 10000"),
        ("sim://BTC-USD?rate=fast", "rate=fast is not a number from 0.001 to 1e\\+06"),
        ("sim://BTC-USD?rate=0", "rate=0 is not a number"),
        ("sim://BTC-USD?rate=\u0663", "rate=\u0663 is not a number"),
        ("sim://BTC-USD?rate=1_0", "rate=1_0 is not a number"),
        ("sim://A,sim://B", "'sim://B' is another feed: feeds have blanks between"),
        ("sim://A;sim://B", "'A;sim://B' is another feed: feeds have blanks between"),
        ("replay:///x?venue=csv&speed=\u0663", "speed=\u0663 is neither"),
        ("sim://BTC-USD?rate=nan", "rate=nan is not a number"),
        ("sim://BTC-USD?rate=1e9", "rate=1e9 is not a number"),
        ("sim://BTC-USD?seed=-1", "seed=-1 is not a whole number"),
        ("sim://BTC-USD?burst=1", "burst=1 is not a number from 0 to 0.9"),
        ("sim://BTC-USD?speed=2", "unknown option speed; the options are rate, seed, burst"),
        ("sim://BTC-USD?rate", "is not option=value"),
        ("sim://BTC-USD?rate=1&rate=2", "an option is given twice"),
        ("replay://?venue=binance", "the path of a file is missing"),
        ("replay:///x.gz", "venue is missing; the venues are binance"),
        ("replay:///x.gz?venue=nyse", "venue=nyse is not known"),
        ("replay:///x.gz?venue=okx&speed=0", "speed=0 is neither max nor a factor"),
        ("replay:///x.gz?venue=okx&speed=inf", "speed=inf is neither max"),
        ("replay:///x.gz?venue=okx&history=yes", "history=yes is neither 0 nor 1"),
        ("replay:///x.gz?venue=okx&source=a%20", "source='a ' is not a name"),
        ("replay:///x.gz?venue=okx&loop=3", "unknown option loop"),
        ("binance://btc-usdt", "is not a Binance symbol"),
        ("binance://btcusdt?url=http://x", "url=http://x is not like ws://"),
    ],
)
def test_a_bad_uri_is_answered_with_what_to_write_instead(uri: str, message: str) -> None:
    with pytest.raises(FeedUriError, match=message):
        parse_feed(uri)


def test_a_recording_that_is_not_there_is_an_error_before_the_start(tmp_path: Path) -> None:
    uri = f"replay://{tmp_path}/none.gz?venue=okx"

    with pytest.raises(FeedUriError, match=r"there is no file .*none\.gz"):
        opened(uri, FakeClock())


@pytest.mark.parametrize("uri", ["sim://BTC-USD?rate=10", "binance://btcusdt", f"replay://{__file__}?venue=okx"])
def test_a_feed_is_named_as_its_uri_without_options(uri: str) -> None:
    feed = opened(uri, FakeClock())

    assert feed.name == uri.partition("?")[0]


@given(
    st.text(max_size=60)
    | st.builds("{}://{}?{}".format, st.sampled_from(["sim", "replay", "binance"]), st.text(), st.text())
)
def test_no_text_raises_anything_but_a_uri_error(uri: str) -> None:
    try:
        parse_feed(uri)
    except FeedUriError as error:
        assert str(error)  # noqa: PT017 - both outcomes are good
