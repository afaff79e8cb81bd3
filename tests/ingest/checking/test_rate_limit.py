"""Token buckets for each source: what gets through, what does not, and that others do not suffer."""

import json
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.rate_limit import OTHER, RateLimit, RateLimiter
from telemetry_runtime import Burst
from telemetry_schema import KillSwitch, encode

S_NS = 1_000_000_000


def _frame(source: str, number: int = 0, text: str = "x") -> bytes:
    return json.dumps({"type": "trade", "source": source, "seq": number, "id": text}).encode()


def _limiter(messages_per_s: float = 10, bytes_per_s: float = 1e9, *, max_sources: int = 10) -> RateLimiter:
    return RateLimiter(RateLimit(messages_per_s, bytes_per_s), max_sources=max_sources)


def _admit(limiter: RateLimiter, frames: list[bytes], now_ns: int = 0) -> tuple[list[bytes], Counter[str]]:
    limited = limiter.admit(Burst(frames, []), now_ns)
    assert len(limited.burst.frames) + limited.sources.total() == len(frames)
    assert limited.samples.keys() == limited.sources.keys()
    return limited.burst.frames, limited.sources


def test_a_source_gets_through_up_to_its_limit_and_again_as_time_passes() -> None:
    limiter, frames = _limiter(10), [_frame("a", number) for number in range(25)]
    assert _admit(limiter, frames) == (frames[:10], {"a": 15})
    assert _admit(limiter, frames, S_NS // 2) == (frames[:5], {"a": 20})
    assert _admit(limiter, frames, 100 * S_NS) == (frames[:10], {"a": 15}), "no more than a second's worth is saved up"
    assert limiter.refused == {"a": 50}


def test_a_flood_takes_nothing_from_the_others_whatever_the_order() -> None:
    flood, own = [_frame("flood", number) for number in range(100)], [_frame("bot", number) for number in range(10)]
    mixed = [*flood[:50], *own[:5], *flood[50:], *own[5:]]
    for frames in (mixed, mixed[::-1], [*own, *flood]):
        admitted, refused = _admit(_limiter(10), frames)
        assert [frame for frame in admitted if b'"bot"' in frame] == [frame for frame in frames if frame in own]
        assert refused == {"flood": 90}


def test_bytes_are_limited_too_and_one_long_frame_is_paid_for_later() -> None:
    limiter, long = _limiter(1000, 100), _frame("a", text="x" * 1000)
    assert _admit(limiter, [long, long]) == ([long], {"a": 1})
    assert _admit(limiter, [_frame("a")], S_NS) == ([], {"a": 1})
    assert len(_admit(limiter, [_frame("a")], 20 * S_NS)[0]) == 1


@pytest.mark.parametrize("messages_per_s", [0.3, 0.5, 1e-9])
def test_a_rate_below_one_a_second_lets_one_message_through_and_the_next_one_in_time(messages_per_s: float) -> None:
    limiter, frames = _limiter(messages_per_s, max_sources=1), [_frame("a"), _frame("a", 1)]
    period_ns = round(S_NS / messages_per_s)
    assert _admit(limiter, frames) == (frames[:1], {"a": 1})
    assert _admit(limiter, frames, period_ns // 2) == ([], {"a": 2})
    assert _admit(limiter, [_frame("b")], period_ns // 2) == ([_frame("b")], {})  # shared by all that find no place
    assert _admit(limiter, [_frame("a")], period_ns + S_NS)[0] == [_frame("a")]


def test_without_limits_a_burst_is_left_as_it_is() -> None:
    burst = Burst([_frame("a")] * 1000, [[b"two", b"parts"]])
    assert RateLimiter(RateLimit(), max_sources=1).admit(burst, 0).burst is burst


def test_messages_of_several_frames_are_left_to_the_checker() -> None:
    parts = [[b"two", b"parts"]]
    assert _limiter(1).admit(Burst([_frame("a")] * 2, parts), 0).burst.multipart == parts


def test_what_names_nobody_and_sources_beyond_the_bound_share_one_bucket() -> None:
    limiter = _limiter(10, max_sources=2)
    nameless = [b"nonsense", b"{}", b'{"source":7}', _frame("late")[:10]] * 3
    assert _admit(limiter, nameless)[1] == {OTHER: 2}
    admitted, refused = _admit(limiter, [_frame(f"s{number}") for number in range(100)])
    assert (len(admitted), refused) == (2, {OTHER: 98})
    assert limiter.sources == 2


def test_a_source_that_was_silent_gives_its_bucket_to_a_new_one() -> None:
    limiter = _limiter(10, max_sources=2)
    _admit(limiter, [_frame("a"), _frame("b")])
    _admit(limiter, [_frame("b")], S_NS)
    frames = [_frame("c")] * 10
    assert _admit(limiter, frames, S_NS + S_NS // 2)[0] == frames
    assert limiter.sources == 2


def test_names_of_refused_sources_are_bounded_however_many_there_have_been() -> None:
    limiter = _limiter(1, max_sources=2)
    for number in range(50):
        _admit(limiter, [_frame(f"s{number}")] * 2, number * 10 * S_NS)
    assert limiter.refused.total() == 50
    assert len(limiter.refused) <= 3


@pytest.mark.parametrize(
    "frame",
    [
        b'{"source":"a","x":1}',
        b'{ "x" : 1 , "source" : "a" }',
        b'{"id":"say \\"source\\":\\"b\\"","source":"a"}',
        b'{"symbol":"\\\\","source":"a"}',
    ],
)
def test_the_source_is_found_however_it_is_written(frame: bytes) -> None:
    assert _admit(_limiter(1), [frame, frame])[1] == {"a": 1}


def test_a_name_that_begins_like_another_has_a_bucket_of_its_own() -> None:
    frames = [_frame("bot"), _frame("bot-2"), _frame("bo"), _frame("bot"), _frame("币安")] * 2
    assert _admit(_limiter(2), frames)[1] == {"bot": 2}


def test_a_flood_under_the_pages_name_does_not_keep_its_kill_switch_out() -> None:
    switch = KillSwitch(command_id=UUID(int=1), source="ui", engaged=True, sent_ns=S_NS * 1_700_000_000)
    frames = [*(_frame("ui", number) for number in range(50)), encode(switch)]
    admitted, refused = _admit(_limiter(10), frames)
    assert admitted[-1] == encode(switch)
    assert refused == {"ui": 40}
    assert len(_admit(_limiter(10), [encode(switch)] * 50)[0]) == 10, "they are limited all the same"


def test_a_kill_switch_gets_through_a_flood_that_is_written_in_the_same_unusual_order() -> None:
    flood = [b'{"source":"ui","type":"trade","seq":%d}' % number for number in range(50)]
    switch = b'{"source":"ui","type":"kill_switch","engaged":true}'
    admitted, refused = _admit(_limiter(10), [*flood, switch])
    assert admitted == [*flood[:10], switch]
    assert refused == {"ui": 40}


def test_a_name_with_a_quote_in_it_is_one_name() -> None:
    quoted = json.dumps({"type": "trade", "source": 'a"b', "seq": 1}).encode()
    assert _admit(_limiter(1), [_frame("a"), quoted, _frame("a"), quoted])[1] == {"a": 1, r"a\"b": 1}


def test_names_that_have_no_bucket_cost_no_search_of_all_buckets_each() -> None:
    limiter = _limiter(10, max_sources=2)
    names = [f"s{number}" for number in range(100)]
    _admit(limiter, [_frame(name) for name in names])
    buckets = limiter._buckets
    _admit(limiter, [_frame(name) for name in names], S_NS // 2)
    assert limiter._buckets is buckets
    assert len(_admit(limiter, [_frame("late")] * 10, 2 * S_NS)[0]) == 10


def test_a_clock_that_stands_or_goes_back_gives_nothing_away() -> None:
    limiter, frames = _limiter(10), [_frame("a")] * 10
    assert len(_admit(limiter, frames, 5 * S_NS)[0]) == 10
    assert len(_admit(limiter, frames, 4 * S_NS)[0]) == 0


@given(st.lists(st.sampled_from("abc"), max_size=200), st.integers(1, 20))
def test_each_source_gets_exactly_its_own_limit_in_any_order(sources: list[str], limit: int) -> None:
    frames = [_frame(source, number) for number, source in enumerate(sources)]
    admitted, refused = _admit(_limiter(limit), frames)
    assert admitted == sorted(admitted, key=frames.index)
    for source, count in Counter(sources).items():
        assert refused[source] == max(0, count - limit)
