"""A name is what the world calls a thing; it goes through every way that a trade can take, unchanged."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from telemetry_schema import Trade, TradeColumns, TradeEncoder, decode_edge, encode, is_name
from telemetry_schema.batch import TradeDecoder, is_columns
from telemetry_schema.names import name_fault
from tests.helpers.names import NOT_NAMES, ODD, REAL
from tests.helpers.trades import columns, frame, trade

NAMES = [*REAL, *ODD]


def raw(name: str, *, escaped: bool) -> bytes:
    """A trade with the name in every field that has one, as a client may write it."""
    fields = trade(symbol=name, source=name, run=name, id=name, account=name, seq=1)
    return json.dumps(fields, ensure_ascii=escaped).encode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("escaped", [True, False])
def test_a_name_arrives_unchanged_by_the_codec_and_the_decoder(name: str, escaped: bool) -> None:  # noqa: FBT001
    decoder, data = TradeDecoder(), raw(name, escaped=escaped)
    slow, fast = decode_edge(data), decoder.decode(data)
    assert isinstance(slow, Trade)
    assert fast is not None
    assert not is_columns(fast)
    for message in (slow, fast):
        assert {message.symbol, message.source, message.run, message.id, message.account} == {name}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("named", ["symbol", "source", "run"])
def test_a_name_arrives_unchanged_in_a_table(name: str, named: str) -> None:
    encoder = TradeEncoder({"source": "bot", "run": "r"} | ({} if named == "symbol" else {named: name}))
    fields = {key: value for key, value in trade().items() if key not in {"type", "source"}}
    frames = [encoder.encode(fields | ({"symbol": name} if named == "symbol" else {})) for _ in range(20)]
    table = TradeDecoder().decode_table(frames)
    if table is None:  # braces or escapes in it: each frame is decoded alone
        assert set(name) & set('{["\\')
        return
    assert name in {*table.symbol, *table.senders[0]}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_unchanged_in_columns(name: str) -> None:
    message = TradeColumns.model_validate(columns(3, symbol=[name] * 3, source=name))
    fast = TradeDecoder().decode(encode(message))
    assert fast is not None
    assert is_columns(fast)
    assert [fast.source, *fast.symbol] == [name] * 4


@pytest.mark.parametrize("text", NOT_NAMES)
def test_what_is_no_name_is_refused_and_says_why(text: str) -> None:
    assert not is_name(text)
    assert name_fault(text)
    data = frame(trade(symbol=text))
    assert TradeDecoder().decode(data) is None
    with pytest.raises(ValueError, match="bad_name: symbol"):
        decode_edge(data)


def test_half_a_surrogate_pair_is_no_name() -> None:
    assert not is_name("\ud800")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_as_a_label_is_read_back_by_prometheus(name: str) -> None:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415 - only here

    registry = CollectorRegistry()
    Gauge("probe", "A probe.", ["symbol"], registry=registry).labels(name).set(1)
    (family,) = text_string_to_metric_families(generate_latest(registry).decode())
    assert family.samples[0].labels == {"symbol": name}
