"""What a durable publisher was handed comes to ingest once, in order, over the end of either."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from telemetry_client import InvalidSettingError, Publisher
from telemetry_client.durable.disk.file_lock import FileLock
from telemetry_client.durable.disk.queue_file import QueueFile
from telemetry_client.durable.disk.rows import MessageRow
from telemetry_client.durable.link import Link
from telemetry_client.durable.outbox import DurableOutbox
from telemetry_client.run_counts import RunCounts
from tests.client.durable.durable_ingest import DurableIngest
from tests.helpers.services import eventually

SMALLEST = 1024 * 1024


@pytest.fixture
def ingest() -> Iterator[DurableIngest]:
    with DurableIngest() as ingest:
        yield ingest


def publisher(ingest: DurableIngest, directory: Path, **settings: Any) -> Publisher:  # noqa: ANN401 - a publisher's
    settings = {"linger_s": 0.0, "alive_every_s": 0.05} | settings
    return Publisher(
        ingest.endpoint, "bot", durable=directory / "queue", acks_endpoint=ingest.acks_endpoint, **settings
    )


def trade(publisher: Publisher, count: int = 1) -> None:
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 100)


def held(directory: Path) -> list[int]:
    """The numbers of the trades in the file."""
    file = QueueFile(directory / "queue", max_bytes=SMALLEST)
    try:
        return [row.seq for row in file.found.messages]
    finally:
        file.close()


def test_what_is_acknowledged_leaves_the_file(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot, 100)
    assert bot.flush(20)
    assert ingest.seqs() == list(range(100))
    stats = bot.stats()
    assert (stats.sent_trades, stats.unacknowledged_trades, stats.queue_bytes, stats.resent_trades) == (100, 0, 0, 0)
    assert bot.close()
    assert held(tmp_path) == []


def test_columns_are_numbered_and_acknowledged_by_trade(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    with publisher(ingest, tmp_path, linger_s=20) as bot:
        trade(bot)
        assert bot.trades(symbol="BTC-USD", side="buy", qty=[1.0] * 3000, price=[1.0] * 3000)
        trade(bot)
    assert ingest.seqs() == list(range(3002))
    assert bot.close()


def test_flush_is_true_only_when_ingest_has_acknowledged(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot)
    assert bot.flush(20)
    ingest.is_acknowledging = False
    trade(bot)
    ingest.wait_for(2)
    assert not bot.flush(0.1)
    ingest.is_acknowledging = True
    assert bot.flush(20)
    bot.close()


def test_a_restarted_ingest_gets_what_it_has_not_and_in_order(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot, 10)
    assert bot.flush(20)
    for _ in range(3):
        ingest.kill()
        trade(bot, 10)
        ingest.start()
        trade(bot, 10)
        assert bot.flush(20)
    assert ingest.seqs() == list(range(70))
    bot.close()


def test_a_publisher_that_closed_too_early_leaves_the_rest_to_the_next_one(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    first = publisher(ingest, tmp_path)
    trade(first, 5)
    assert not first.close()
    assert first.stats().unflushed_messages == 5
    second = publisher(ingest, tmp_path)
    assert second.stats().unacknowledged_trades == 5
    trade(second, 2)
    ingest.start()
    assert second.flush(20)
    assert ingest.taken == {("bot", first.run, "trade"): [0, 1, 2, 3, 4], ("bot", second.run, "trade"): [0, 1]}
    # The run of the one that is gone has an end too.
    eventually(lambda: [(end["run"], end["next_seq"]) for end in ingest.of_type("end")] == [(first.run, 5)])
    assert second.close()
    eventually(lambda: [end["run"] for end in ingest.of_type("end")] == [first.run, second.run])


def test_a_publisher_of_another_name_sends_what_is_left_under_the_name_it_was_told(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    first = publisher(ingest, tmp_path)
    trade(first, 3)
    first.close()
    ingest.start()
    with Publisher(
        ingest.endpoint, "other", durable=tmp_path / "queue", acks_endpoint=ingest.acks_endpoint, linger_s=0.0
    ) as second:
        trade(second, 2)
        assert second.flush(20)
    assert ingest.taken == {("bot", first.run, "trade"): [0, 1, 2], ("other", second.run, "trade"): [0, 1]}


def test_what_was_taken_and_not_acknowledged_is_not_sent_twice_by_the_next_one(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    ingest.start()
    first = publisher(ingest, tmp_path)
    trade(first)
    assert first.flush(20)
    ingest.is_acknowledging = False
    trade(first, 4)
    ingest.wait_for(5)
    first.close()
    assert held(tmp_path) == [1, 2, 3, 4]
    ingest.is_acknowledging = True
    with publisher(ingest, tmp_path) as second:
        assert second.flush(20)
    # The answer to the first question was enough.
    assert len(ingest.of_type("trade")) == 5
    assert held(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_bot_loses_nothing_that_it_was_told_is_kept(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import sys
from telemetry_client import Publisher
publisher = Publisher(sys.argv[1], "bot", durable=sys.argv[2], acks_endpoint=sys.argv[3])
while publisher.trade("BTC-USD", "buy", 1, 1):
    print(publisher.sent_trades, flush=True)
""",
            ingest.endpoint,
            str(tmp_path / "queue"),
            ingest.acks_endpoint,
        ],
        stdout=subprocess.PIPE,
    )
    assert bot.stdout is not None
    said = 0
    while said < 500:
        said = int(bot.stdout.readline())
    bot.send_signal(signal.SIGKILL)
    said = max([said, *map(int, bot.stdout.read().split())])
    bot.stdout.close()
    bot.wait(10)
    ingest.start()
    with publisher(ingest, tmp_path, linger_s=20) as second:
        assert second.flush(20)
    seqs = ingest.seqs()
    # The last one may have been kept before the kill came, and not said so.
    assert seqs == list(range(len(seqs)))
    assert said <= len(seqs) <= said + 1


def test_a_full_file_refuses_counts_and_uses_no_number(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path, durable_max_bytes=SMALLEST)
    kept = 0
    while bot.trade("BTC-USD", "buy", 1, 100):
        kept += 1
    assert not bot.quote("BTC-USD", 1, 2)
    stats = bot.stats()
    assert (stats.sent_trades, stats.dropped_trades, stats.dropped_events) == (kept, 1, 1)
    assert SMALLEST - 1000 < stats.queue_bytes <= SMALLEST
    ingest.start()
    assert bot.flush(30)
    trade(bot)
    assert bot.flush(20)
    assert ingest.seqs() == list(range(kept + 1))
    bot.close()


def test_a_call_that_may_wait_gets_room_when_ingest_comes_back(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path, durable_max_bytes=SMALLEST, block_s=30)
    filled = 0
    while bot.stats().queue_bytes < SMALLEST - 400:
        trade(bot)
        filled += 1
    back = threading.Timer(0.1, ingest.start)
    back.start()
    trade(bot, 20)
    back.join()
    assert bot.flush(20)
    assert ingest.seqs() == list(range(filled + 20))
    bot.close()


def test_messages_about_orders_are_numbered_apart_and_kept_too(ingest: DurableIngest, tmp_path: Path) -> None:
    first = publisher(ingest, tmp_path)
    for number in range(3):
        first.order_submitted(f"o{number}", "BTC-USD", "buy", 1)
        first.quote("BTC-USD", 1, 2)
        trade(first)
    first.close()
    ingest.start()
    with publisher(ingest, tmp_path) as second:
        assert second.flush(20)
    assert [ingest.seqs(kind) for kind in ("order", "quote", "trade")] == [[0, 1, 2]] * 3
    # In the order in which they were told.
    assert [frame["type"] for frame in ingest.frames if "seq" in frame] == ["order", "quote", "trade"] * 3


def test_ingest_hears_of_every_kind_that_it_goes_on_however_quiet_it_is(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    with publisher(ingest, tmp_path) as bot:
        trade(bot)
        bot.order_submitted("o", "BTC-USD", "buy", 1)
        assert bot.flush(20)
        # Once to open each, then again and again.
        for kind in ("trade", "order"):
            eventually(partial(asked_three_times, ingest, kind), what=kind)


def asked_three_times(ingest: DurableIngest, kind: str) -> bool:
    return sum(request.kind == kind for request in ingest.requests) >= 3


def test_ingest_is_told_to_expect_no_number_that_was_not_sent(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path, alive_every_s=0.01)
    trade(bot, 3)
    ingest.start()
    assert bot.flush(20)
    eventually(lambda: [alive["next_seq"] for alive in ingest.of_type("alive")][-1:] == [3])
    bot.close()
    frames = [frame for frame in ingest.frames if frame["type"] != "end"]
    for place, frame in enumerate(frames):
        if frame["type"] == "alive":
            assert frame["next_seq"] <= len([each for each in frames[:place] if each["type"] == "trade"])


def test_when_ingest_missed_one_all_is_sent_again_from_there(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot)
    assert bot.flush(20)
    ingest.is_acknowledging = False
    trade(bot, 5)
    ingest.wait_for(6)
    ingest.say(("bot", bot.run, "trade"), next_seq=3, resend=True)
    eventually(lambda: bot.stats().resent_trades == 3)
    eventually(lambda: [frame["seq"] for frame in ingest.of_type("trade")] == [0, 1, 2, 3, 4, 5, 3, 4, 5])
    assert bot.stats().unacknowledged_trades == 3
    bot.close()


def test_an_acknowledgement_of_what_was_never_sent_is_not_believed(ingest: DurableIngest, tmp_path: Path) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    trade(bot)
    assert bot.flush(20)
    ingest.say(("bot", bot.run, "trade"), next_seq=1_000)
    trade(bot, 2)
    assert bot.flush(20)
    assert ingest.seqs() == [0, 1, 2]
    bot.close()


def test_rows_that_are_damaged_are_passed_over_and_the_rest_arrives(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = publisher(ingest, tmp_path)
    for number in range(30):
        first.trade("BTC-USD", "buy", 1, 7000 + number)
    first.close()
    path = tmp_path / "queue"
    content = path.read_bytes()
    assert content.count(b'"price":7011.0') == 1
    path.write_bytes(content.replace(b'"price":7011.0', b'"price":9011.0'))
    ingest.start()
    with publisher(ingest, tmp_path) as second:
        assert second.flush(20)
    assert [frame["price"] for frame in ingest.of_type("trade")] == [7000.0 + n for n in range(30) if n != 11]
    assert "is damaged" in caplog.text
    assert [end["next_seq"] for end in ingest.of_type("end")][:1] == [30]


def test_a_disk_that_takes_nothing_is_said_once_however_much_is_acknowledged(
    ingest: DurableIngest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.start()
    bot = publisher(ingest, tmp_path)
    for _ in range(2):
        trade(bot)
        assert bot.flush(20)
        read_only(bot, on=True)
        ingest.is_acknowledging = False
        while bot.trade("BTC-USD", "buy", 1, 100):
            pass  # until the tail is full
        read_only(bot, on=False)
        ingest.is_acknowledging = True
        assert bot.flush(20)
    assert caplog.text.count("the durable queue takes nothing") == 1
    assert bot.stats().dropped_trades == 2
    bot.close()


def read_only(publisher: Publisher, *, on: bool) -> None:
    """Lets SQLite refuse each write from now on, or no more."""
    outbox = publisher._outbox
    assert isinstance(outbox, DurableOutbox)
    with outbox.lock:
        outbox._file._connection.execute(f"PRAGMA query_only={on:d}")


def test_two_publishers_cannot_share_a_file(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path)
    with pytest.raises(InvalidSettingError, match="in use by another publisher"):
        publisher(ingest, tmp_path)
    bot.close()
    publisher(ingest, tmp_path).close()


def test_a_forgotten_publisher_gives_its_file_back(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path)
    trade(bot)
    del bot
    with publisher(ingest, tmp_path) as second:
        assert second.stats().unacknowledged_trades == 1


class InterruptedFile(QueueFile):
    """Is interrupted by Ctrl+C when the second message is in it."""

    def put(self, stream: int, seq: int, trades: int, frame: bytes) -> MessageRow:
        row = super().put(stream, seq, trades, frame)
        if row.seq == 1:
            raise KeyboardInterrupt
        return row


def test_a_bot_that_is_interrupted_and_goes_on_uses_no_number_twice(ingest: DurableIngest, tmp_path: Path) -> None:
    file = InterruptedFile(tmp_path / "queue", max_bytes=SMALLEST)
    link = Link(ingest.endpoint, ingest.acks_endpoint, None)
    outbox = DurableOutbox(file, link, RunCounts("bot", "run"), block_s=0.0, linger_s=0.0, alive_every_s=60.0)
    assert outbox.put(b'{"type":"x"}', 1, None)
    with pytest.raises(KeyboardInterrupt):
        outbox.put(b'{"type":"x"}', 1, None)
    assert outbox.put(b'{"type":"x"}', 1, None)
    outbox.close()
    assert held(tmp_path) == [0, 1, 2]


class ForgottenInABeat(DurableOutbox):
    """Is forgotten while the heartbeat's thread holds the lock, as when the garbage collector runs just there."""

    may_be_forgotten = threading.Event()

    def report_alive(self) -> bool:
        self.may_be_forgotten.wait()
        with self.lock:
            self.forget()
        return True


def test_a_publisher_that_is_forgotten_while_its_heartbeat_reports_gives_its_file_back(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    file = QueueFile(tmp_path / "queue", max_bytes=SMALLEST)
    link = Link(ingest.endpoint, ingest.acks_endpoint, None)
    outbox = ForgottenInABeat(file, link, RunCounts("bot", "run"), block_s=0.0, linger_s=0.0, alive_every_s=0.01)
    assert outbox.put(b"{}", 1, None)
    outbox.may_be_forgotten.set()
    eventually(lambda: not is_held(tmp_path / "queue"), what="giving the file back")
    assert held(tmp_path) in ([0], [])


def is_held(path: Path) -> bool:
    """Whether somebody has the lock of that file."""
    try:
        FileLock(path).release()
    except InvalidSettingError:
        return True
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_neither_harms_the_file_nor_holds_it_longer_than_its_parent(
    ingest: DurableIngest, tmp_path: Path
) -> None:
    code = """
import gc, os, sys, time, warnings
from telemetry_client import Publisher
warnings.simplefilter("ignore")
publisher = Publisher(sys.argv[1], "bot", durable=sys.argv[2], acks_endpoint=sys.argv[3], linger_s=0)
for _ in range(50):
    publisher.trade("BTC-USD", "buy", 1, 1)
if not os.fork():
    del publisher
    gc.collect()
    if not os.fork():
        print(os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
for _ in range(50):
    publisher.trade("BTC-USD", "buy", 1, 1)
os.kill(os.getpid(), 9)
"""
    arguments = [ingest.endpoint, str(tmp_path / "queue"), ingest.acks_endpoint]
    parent = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    grandchild = int(parent.stdout.readline())
    try:
        parent.wait(20)
        assert held(tmp_path) == list(range(100))
    finally:
        os.kill(grandchild, signal.SIGKILL)
        parent.stdout.close()
        parent.wait(10)


def test_many_threads_may_use_it(ingest: DurableIngest, tmp_path: Path) -> None:
    bot = publisher(ingest, tmp_path)
    threads = [threading.Thread(target=trade, args=(bot, 200)) for _ in range(4)]
    for thread in threads:
        thread.start()
    ingest.start()
    for thread in threads:
        thread.join()
    assert bot.flush(20)
    assert ingest.seqs() == list(range(800))
    bot.close()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"durable": 5}, "durable must be the path"),
        ({"durable": ""}, "durable must be the path"),
        ({"durable": "/proc/no/queue"}, "cannot be used"),
        ({"durable_max_bytes": 10}, "durable_max_bytes must be"),
        ({"acks_endpoint": "nonsense"}, "cannot connect"),
    ],
)
def test_what_cannot_be_set_is_refused_and_leaves_nothing_locked(
    tmp_path: Path, settings: dict[str, Any], text: str
) -> None:
    wrong = {"durable": tmp_path / "queue"} | settings
    with pytest.raises(InvalidSettingError, match=text):
        Publisher("tcp://127.0.0.1:5555", **wrong)
    Publisher("tcp://127.0.0.1:5555", durable=tmp_path / "queue", linger_s=0).close()
