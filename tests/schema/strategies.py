"""Messages and frames for properties: valid ones, and what hostile or careless senders make of them."""

import json
import string
from typing import Any

from hypothesis import strategies as st

from telemetry_schema import FIRST_NS, MAX_NAME_BYTES, Trade, is_name

LAST = 2**63 - 1
ALPHANUMERIC = string.ascii_letters + string.digits


def names() -> st.SearchStrategy[str]:
    # Ten times as fast as from_regex.
    plain = st.text(ALPHANUMERIC + "._:/@+-", min_size=1, max_size=MAX_NAME_BYTES)
    odd = st.text("aZ09 \"'{}[]<>&#\\/,:;%$^é币安İ\U0001f680", min_size=1, max_size=30)
    return plain | odd.filter(is_name)


def positive() -> st.SearchStrategy[float]:
    return st.floats(min_value=0, exclude_min=True, allow_infinity=False)


def finite() -> st.SearchStrategy[float]:
    return st.floats(allow_infinity=False, allow_nan=False)


def numbers() -> st.SearchStrategy[int]:
    return st.integers(0, LAST)


def times() -> st.SearchStrategy[int]:
    return st.integers(FIRST_NS, LAST)


@st.composite
def trades(draw: st.DrawFn) -> Trade:
    run = draw(st.none() | names())
    return Trade(
        source=draw(names()),
        run=run,
        seq=None if run is None else draw(st.none() | numbers()),
        symbol=draw(names()),
        side=draw(st.sampled_from(["buy", "sell"])),
        qty=draw(positive()),
        price=draw(finite()),
        event_ns=draw(times()),
        sent_ns=draw(times()),
        id=draw(st.none() | names()),
        account=draw(st.none() | names()),
    )


def number_texts() -> st.SearchStrategy[str]:
    """Numbers as a sender may write them, few of them valid."""
    digits = st.text("0123456789", min_size=1, max_size=40)
    return st.one_of(
        st.floats().map(json.dumps),
        st.integers(-(10**25), 10**25).map(str),
        st.builds("{}{}.{}e{}".format, st.sampled_from(["", "-"]), digits, digits, st.integers(-400, 400)),
        st.builds("{}e{}".format, st.integers(0, 10**20), st.integers(-400, 400)),
        digits,
        st.sampled_from(
            [
                "-0",
                "-0.0",
                "0",
                "01",
                "1.",
                ".5",
                "+1",
                "1e",
                "0x1",
                "NaN",
                "Infinity",
                "-Infinity",
                "inf",
                "1_0",
                "1e999",
            ]
        ),
        st.sampled_from(["1700000000", "1700000000000", "1700000000000000", "1700000000000000000"]),
        st.sampled_from([str(LAST), str(LAST + 1), str(2**64), "9" * 309, "9" * 5000, "0." + "0" * 400 + "1e400"]),
    )


def name_texts() -> st.SearchStrategy[str]:
    """Strings as a sender may write them in JSON, quotes included."""
    return st.one_of(
        names().map(json.dumps),
        names().map(lambda name: json.dumps(name, ensure_ascii=False)),
        names().map(lambda name: json.dumps(name + "\n")),
        names().map(lambda name: '"' + "".join(f"\\u{ord(char):04x}" for char in name) + '"'),
        st.text(max_size=5).map(json.dumps),
        st.sampled_from(BAD_NAMES),
        st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
        st.integers(0, 200).map(lambda count: json.dumps("x" * count)),
        st.integers(0, 70).map(lambda count: json.dumps("é" * count)),
        st.sampled_from(
            [
                '"\\ud800"',
                '"a\\/b"',
                '"a\\x"',
                '"a\tb"',
                '"a\x7f"',
                "'a'",
                '"a',
                '""',
            ]
        ),
    )


BAD_NAMES = ['" a"', '"a "', '"e\\u0301"', '"\\u202ea"', '"a\\u00a0b"']
"""Blanks at the ends, no normal form C, text that is turned around, a blank that does not break."""


def any_texts() -> st.SearchStrategy[str]:
    anything: st.SearchStrategy[Any] = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )
    return st.one_of(anything.map(json.dumps), st.sampled_from(["[" * 300 + "]" * 300, "", "nul", "True"]))


SIDE_TEXTS = st.sampled_from(['"buy"', '"sell"', '"BUY"', '""', '"\\u0062uy"', "null", "1"])
TYPE_TEXTS = st.sampled_from(
    ['"trade"', '"trades"', '"\\u0074rade"', '"Trade"', "null", "1", '["trade"]', '"snapshot"']
)
KEYS = ["type", "source", "run", "seq", "symbol", "side", "qty", "price", "event_ns", "sent_ns", "id", "account"]
COLUMNS = {"symbol", "side", "qty", "price", "event_ns"}


def _text_of(key: str) -> st.SearchStrategy[str]:
    if key == "type":
        return TYPE_TEXTS
    if key == "side":
        return SIDE_TEXTS
    return number_texts() if key in {"seq", "qty", "price", "event_ns", "sent_ns"} else name_texts()


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame that is close to a valid one: a few fields changed, added, repeated, left out or moved, or some bytes."""
    pairs = draw(st.one_of(_single_pairs(), _columnar_pairs()))
    for _ in range(draw(st.integers(0, 2))):
        pairs = draw(_changed_fields(pairs))
    space = draw(st.sampled_from(["", "", " ", "\n\t"]))
    body = f",{space}".join(f'"{key}"{space}:{text}' for key, text in pairs)
    frame = f"{space}{{{body}}}{space}".encode(errors="surrogatepass")
    return draw(_changed_bytes(frame)) if draw(st.integers(0, 3)) == 0 else frame


def _single_pairs() -> st.SearchStrategy[list[tuple[str, str]]]:
    return trades().map(lambda trade: _pairs(trade.model_dump(exclude_none=True)))


@st.composite
def _columnar_pairs(draw: st.DrawFn) -> list[tuple[str, str]]:
    rows = draw(st.lists(trades(), min_size=1, max_size=4))
    first = rows[0].model_dump(exclude={"id", "account"} | COLUMNS)
    return _pairs(first | {"type": "trades"} | {key: [getattr(row, key) for row in rows] for key in COLUMNS})


def _pairs(fields: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, json.dumps(value)) for key, value in fields.items()]


@st.composite
def _changed_fields(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    index = draw(st.integers(0, len(pairs) - 1))
    key, text = pairs[index]
    new_key = draw(st.sampled_from([*KEYS, "x", "", "Qty", "qty ", "\\u0071ty", "\\ud800"]))
    items = st.lists(_text_of(key), max_size=3).map(lambda texts: f"[{','.join(texts)}]")
    replaced = st.one_of(
        st.tuples(st.just(key), _text_of(key) | any_texts() | items),
        st.just(("".join(f"\\u{ord(char):04x}" for char in key), text)),
    ).map(lambda pair: [*pairs[:index], pair, *pairs[index + 1 :]])
    added = st.one_of(
        st.tuples(st.just(key), st.just(text) | _text_of(key)),
        st.tuples(st.just(new_key), _text_of(new_key)),
    ).map(lambda pair: [*pairs, pair])
    dropped = st.just(pairs[:index] + pairs[index + 1 :])
    return draw(st.one_of(replaced, added, dropped, st.permutations(pairs)))


@st.composite
def _changed_bytes(draw: st.DrawFn, frame: bytes) -> bytes:
    index = draw(st.integers(0, len(frame)))
    new = draw(
        st.binary(max_size=2)
        | st.sampled_from([b"\xef\xbb\xbf", b"\x00", b"}", b",", b'"', b"\xc0\xaf", b"\xed\xa0\x80"])
    )
    end = index + draw(st.integers(0, 2))
    kind = draw(st.sampled_from(["truncate", "replace", "front", "end"]))
    if kind == "truncate":
        return frame[:index]
    if kind == "front":
        return new + frame
    return frame + new if kind == "end" else frame[:index] + new + frame[end:]
