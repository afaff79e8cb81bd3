"""One kind of messages, or one message, that ingest does not acknowledge holds up no others."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.durable.durable_ingest import DurableIngest
from tests.client.durable.test_durable_publisher import publisher, trade
from tests.helpers.services import eventually


@pytest.fixture
def ingest() -> Iterator[DurableIngest]:
    with DurableIngest() as ingest:
        yield ingest


def test_a_kind_that_is_never_answered_holds_up_the_others_for_some_seconds_only(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.silent_kinds = {"quote"}
    ingest.start()
    bot = publisher(ingest, tmp_path)
    assert bot.quote("BTC-USD", 1, 2)
    trade(bot, 10)
    eventually(lambda: bot.stats().unacknowledged_trades == 0)
    assert ingest.seqs() == list(range(10))
    trade(bot, 10)
    eventually(lambda: bot.stats().unacknowledged_trades == 0)
    assert not bot.flush(0.1)
    assert 0 < bot.stats().queue_bytes < 1_000
    said = [record.getMessage() for record in caplog.records if "kind quote" in record.getMessage()]
    assert len(said) == 1
    assert f"run {bot.run}: ingest does not acknowledge them, though it does others" in said[0]
    assert not bot.close()
    # The next publisher tries again.
    ingest.silent_kinds = set()
    with publisher(ingest, tmp_path) as second:
        assert second.flush(20)
    assert ingest.seqs("quote") == [0]


def test_a_kind_that_is_refused_stays_in_the_file_with_a_line_and_the_others_go_on(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.plain_kinds = {"order"}
    ingest.start()
    bot = publisher(ingest, tmp_path)
    for number in range(3):
        assert bot.order_submitted(f"o{number}", "BTC-USD", "buy", 1)
        trade(bot)
    eventually(lambda: bot.stats().unacknowledged_trades == 0)
    bot.close()
    assert f"kind order of run {bot.run}: ingest acknowledges none" in caplog.text
    ingest.plain_kinds = set()
    with publisher(ingest, tmp_path) as second:
        assert second.flush(20)
    assert (ingest.seqs("order"), ingest.seqs()) == ([0, 1, 2], [0, 1, 2])


def test_a_message_that_ingest_cannot_read_is_given_up_with_a_line_and_the_rest_arrives(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.is_readable = lambda message: message["type"] != "trade" or message["seq"] != 3
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot, 6)
    bot.quote("BTC-USD", 1, 2)
    assert bot.flush(40)
    assert ingest.seqs() == [0, 1, 2, 4, 5]
    assert ingest.seqs("quote") == [0]
    assert bot.stats().given_up_messages == 1
    assert f"number 3 of kind trade of run {bot.run} is given up" in caplog.text
    assert len([frame for frame in ingest.of_type("trade") if frame["seq"] == 3]) < 20
    bot.close()


@pytest.mark.parametrize("kind", ["trade", "order"])
def test_the_last_message_of_a_run_that_ingest_cannot_read_is_given_up_too(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    ingest.is_readable = lambda message: message["type"] != kind or message["seq"] != 2
    ingest.start()
    first = publisher(ingest, tmp_path)
    trade(first, 3)
    for number in range(3):
        assert first.order_submitted(f"o{number}", "BTC-USD", "buy", 1)
    assert not first.close()
    # Of an earlier run, too.
    with publisher(ingest, tmp_path) as second:
        assert second.flush(60)
        assert second.stats().given_up_messages == 1
        trade(second)
        assert second.flush(20)
    assert f"number 2 of kind {kind} of run {first.run} is given up" in caplog.text
    assert sorted(ingest.seqs("order") + ingest.seqs()) == sorted([0, 1, 0, 1, 2, 0])


def test_of_a_run_whose_messages_are_all_acknowledged_ingest_is_believed_without_a_line(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").mkdir()
    ingest.start()
    with publisher(ingest, tmp_path / "a") as first:
        trade(first, 3)
        assert first.flush(20)
        shutil.copytree(tmp_path / "a", tmp_path / "b")  # as a kill leaves it
        ingest.kill()
    ingest.start()
    with publisher(ingest, tmp_path / "b") as second:
        eventually(lambda: (first.run, 3) in [(end["run"], end["next_seq"]) for end in ingest.of_type("end")])
        trade(second)
        assert second.flush(20)
    assert "ingest has more" not in caplog.text


def test_an_ingest_that_has_more_than_the_file_is_believed_with_a_line(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = publisher(ingest, tmp_path)
    trade(first, 3)
    first.close()
    ingest.is_acknowledging = False
    ingest.start()
    with publisher(ingest, tmp_path) as second:
        key = ("bot", first.run, "trade")
        eventually(lambda: any(request.run == first.run for request in ingest.requests))
        ingest.say(key, next_seq=10)
        eventually(lambda: second.stats().unacknowledged_trades == 0)
    assert f"kind trade of run {first.run}: ingest has more than the file" in caplog.text
