"""Every trade counts once: what comes again is known by its number, what is missing is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from analytics.intake.streams import MAX_STREAMS, Admission, Place, Streams
from telemetry_schema import Progress
from telemetry_schema.batch import BatchHeader


def header(
    first_seq: int,
    count: int,
    stream: str = "s",
    *,
    resume: bool = False,
    final: bool = False,
    epoch: int = 0,
    epoch_seq: int = 0,
) -> BatchHeader:
    return BatchHeader(
        stream=stream,
        epoch=epoch,
        epoch_seq=epoch_seq,
        first_seq=first_seq,
        count=count,
        symbols=[],
        sources=[],
        sent_ns=0,
        resume=resume,
        final=final,
    )


def reports(streams: Streams) -> list[Progress]:
    found = streams.acknowledgements_due()
    for report in found:
        streams.acknowledged(report)
    return found


def begin(streams: Streams, epoch: int, first_seq: int) -> None:
    """The mark of an epoch."""
    streams.admit(header(first_seq, 0, epoch=epoch, epoch_seq=first_seq, resume=True))


@pytest.fixture
def streams() -> Streams:
    made = Streams()
    made.admit(header(0, 10))
    reports(made)
    return made


def test_a_stream_that_begins_at_its_beginning_is_joined_at_once() -> None:
    streams = Streams()
    assert streams.admit(header(0, 3)) == Admission(Place.NEXT)
    assert reports(streams) == [Progress(stream="s", next_seq=3)]
    assert reports(streams) == []


def test_a_batch_that_has_been_applied_is_repeated_and_one_in_part_is_trimmed(streams: Streams) -> None:
    assert streams.admit(header(4, 6)) == Admission(Place.REPEATED, repeated=6)
    assert streams.admit(header(8, 5)) == Admission(Place.NEXT, repeated=2)
    assert reports(streams) == [Progress(stream="s", next_seq=13)]


def test_what_comes_after_a_gap_is_passed_over_and_asked_for_until_it_comes(streams: Streams) -> None:
    assert streams.admit(header(12, 5)) == Admission(Place.OUT_OF_ORDER)
    asked = [Progress(stream="s", next_seq=10, resend=True)]
    assert reports(streams) == asked
    assert reports(streams) == asked
    assert streams.admit(header(10, 0, resume=True)) == Admission(Place.HEARTBEAT)
    assert streams.admit(header(10, 2)) == Admission(Place.NEXT)
    assert streams.admit(header(12, 5)) == Admission(Place.NEXT)
    assert reports(streams) == [Progress(stream="s", next_seq=17)]


def test_what_is_missing_even_after_ingest_went_back_is_lost(streams: Streams) -> None:
    streams.admit(header(15, 5))
    assert streams.admit(header(13, 0, resume=True)) == Admission(Place.HEARTBEAT, lost=3)
    assert streams.admit(header(13, 2)) == Admission(Place.NEXT)


def test_a_jump_that_cannot_be_is_refused_and_moves_nothing(streams: Streams) -> None:
    assert streams.admit(header(2**62, 1, resume=True)) == Admission(Place.IMPOSSIBLE)
    assert streams.admit(header(2**62, 1)) == Admission(Place.OUT_OF_ORDER)
    assert streams.admit(header(10, 2)) == Admission(Place.NEXT)


def test_a_position_that_somebody_else_gave_us_is_forgotten_when_ingest_says_its_own() -> None:
    streams = Streams()
    streams.admit(header(2**62, 0, resume=True))
    assert streams.admit(header(5, 2)).place is Place.REPEATED
    streams.admit(header(7, 0))
    assert reports(streams) == [Progress(stream="s", next_seq=0, resend=True)]
    streams.admit(header(5, 0, resume=True))
    assert streams.admit(header(5, 2)) == Admission(Place.NEXT)


def test_a_loss_at_the_end_shows_with_the_next_heartbeat(streams: Streams) -> None:
    assert streams.admit(header(12, 0)) == Admission(Place.HEARTBEAT)
    assert reports(streams) == [Progress(stream="s", next_seq=10, resend=True)]


def test_a_stream_that_is_joined_in_the_middle_is_asked_for_from_where_ingest_still_holds_it() -> None:
    streams = Streams()
    assert streams.admit(header(700, 5)) == Admission(Place.OUT_OF_ORDER)
    assert reports(streams) == [Progress(stream="s", next_seq=0, resend=True)]
    assert streams.admit(header(650, 0, resume=True)) == Admission(Place.HEARTBEAT)
    assert streams.admit(header(650, 50)) == Admission(Place.NEXT)
    assert streams.admit(header(700, 5)) == Admission(Place.NEXT)


def test_a_heartbeat_is_answered_even_if_nothing_has_moved(streams: Streams) -> None:
    streams.admit(header(10, 0))
    assert reports(streams) == [Progress(stream="s", next_seq=10)]


def test_a_report_is_made_again_if_the_stream_has_moved_meanwhile(streams: Streams) -> None:
    streams.admit(header(10, 1))
    (report,) = streams.acknowledgements_due()
    streams.admit(header(11, 1))
    streams.acknowledged(report)
    assert reports(streams) == [Progress(stream="s", next_seq=12)]


def test_all_is_final_only_when_each_stream_has_ended(streams: Streams) -> None:
    streams.admit(header(0, 1, "other"))
    assert not streams.all_final
    streams.admit(header(10, 0, final=True))
    assert not streams.all_final
    streams.admit(header(1, 0, "other", final=True))
    assert streams.all_final


def test_an_end_with_trades_missing_before_it_is_no_end(streams: Streams) -> None:
    streams.admit(header(12, 0, final=True))
    assert not streams.all_final


MINUTE_NS = 60 * 10**9


def invent(streams: Streams, names: range, *, trades: int) -> None:
    """Somebody sends a batch each under invented names."""
    for number in names:
        streams.admit(header(0, trades, f"invented-{number}"))


@pytest.mark.parametrize("trades", [0, 1])
def test_any_number_of_invented_names_does_not_push_out_the_stream_that_is_alive(streams: Streams, trades: int) -> None:
    for half_second in range(300):
        streams.tick(half_second * 10**9 // 2)
        invent(streams, range(100 * half_second, 100 * half_second + 100), trades=trades)
        assert streams.admit(header(10 + half_second, 1)).place is Place.NEXT
    assert len(streams.acknowledgements_due()) == MAX_STREAMS


def test_names_without_trades_do_not_push_out_a_stream_whose_ingest_is_down(streams: Streams) -> None:
    streams.tick(60 * MINUTE_NS)
    invent(streams, range(10_000), trades=0)
    assert streams.admit(header(10, 1)).place is Place.NEXT


def test_a_new_ingest_is_followed_although_many_old_streams_are_known(streams: Streams) -> None:
    invent(streams, range(MAX_STREAMS), trades=1)
    streams.tick(10 * MINUTE_NS)
    for first_seq in range(20):
        assert streams.admit(header(first_seq, 1, "new")).place is Place.NEXT
        streams.admit(header(0, 0, f"other-{first_seq}"))
    assert len(streams.acknowledgements_due()) == MAX_STREAMS


def test_of_those_that_are_silent_the_longest_silent_one_is_forgotten() -> None:
    streams = Streams()
    invent(streams, range(MAX_STREAMS), trades=1)
    streams.tick(MINUTE_NS)
    streams.admit(header(1, 1, "invented-0"))
    streams.tick(3 * MINUTE_NS)
    invent(streams, range(MAX_STREAMS, 2 * MAX_STREAMS - 1), trades=1)
    assert streams.admit(header(2, 1, "invented-0")).place is Place.NEXT


def test_streams_that_were_restored_are_kept_before_invented_ones(streams: Streams) -> None:
    restored = Streams()
    restored.tick(5 * MINUTE_NS)
    restored.restore(streams.state())
    invent(restored, range(1_000), trades=0)
    assert restored.admit(header(10, 1)).place is Place.NEXT


def test_invented_names_leave_no_line_each_in_the_log() -> None:
    streams = Streams()
    with capture_logs() as lines:
        invent(streams, range(1_000), trades=1)
    assert len(lines) <= MAX_STREAMS


@given(cuts=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=30))
def test_no_trade_is_applied_twice_whatever_is_sent_again(cuts: list[tuple[int, int]]) -> None:
    streams, applied = Streams(), 0
    for first, count in cuts:
        admission = streams.admit(header(first, count))
        if admission.place is Place.NEXT:
            assert first + admission.repeated == applied
            applied = first + count
        assert not admission.lost


def test_the_next_epoch_of_a_log_goes_on_with_its_offsets(streams: Streams) -> None:
    begin(streams, 1, 10)
    assert streams.admit(header(10, 2, epoch=1, epoch_seq=10)) == Admission(Place.NEXT)
    begin(streams, 2, 12)
    assert streams.admit(header(12, 2, epoch=2, epoch_seq=12)) == Admission(Place.NEXT)
    assert streams.positions() == {"s": (2, 14)}


def test_a_log_that_lost_its_end_uses_its_offsets_again_for_other_trades(streams: Streams) -> None:
    assert streams.admit(header(6, 0, epoch=1, epoch_seq=6, resume=True)) == Admission(Place.HEARTBEAT, rewound=4)
    assert streams.admit(header(6, 3, epoch=1, epoch_seq=6)) == Admission(Place.NEXT)
    assert streams.positions() == {"s": (1, 9)}


def test_a_batch_of_the_next_epoch_is_dropped_until_its_mark_comes(streams: Streams) -> None:
    assert streams.admit(header(6, 3, epoch=1, epoch_seq=6)) == Admission(Place.OUT_OF_ORDER)
    assert streams.admit(header(9, 0, epoch=1, epoch_seq=6)) == Admission(Place.HEARTBEAT)
    assert reports(streams) == [Progress(stream="s", next_seq=10, resend=True)]
    begin(streams, 1, 6)
    assert streams.admit(header(6, 3, epoch=1, epoch_seq=6)) == Admission(Place.NEXT)


def test_an_epoch_that_came_and_went_unheard_takes_us_back_to_its_beginning(streams: Streams) -> None:
    ended = header(6, 0, epoch=1, epoch_seq=6, resume=True, final=True)
    assert streams.admit(ended) == Admission(Place.HEARTBEAT, rewound=4)
    assert streams.admit(header(10, 0, epoch=2, epoch_seq=14, resume=True)) == Admission(Place.HEARTBEAT, lost=4)
    assert streams.admit(ended) == Admission(Place.HEARTBEAT)
    assert streams.admit(header(10, 4, epoch=1, epoch_seq=6)) == Admission(Place.NEXT)
    assert streams.admit(header(14, 1, epoch=2, epoch_seq=14)) == Admission(Place.NEXT)
    assert Streams().admit(ended) == Admission(Place.HEARTBEAT)


def test_what_still_comes_of_an_epoch_that_lost_its_end_is_not_applied(streams: Streams) -> None:
    begin(streams, 1, 6)
    streams.admit(header(6, 3, epoch=1, epoch_seq=6))
    assert streams.admit(header(9, 4, epoch=0)).place is Place.REPEATED
    assert streams.positions() == {"s": (1, 9)}


def test_batches_of_an_earlier_epoch_that_are_still_in_the_log_are_applied(streams: Streams) -> None:
    assert streams.admit(header(10, 0, epoch=1, epoch_seq=20, resume=True)).place is Place.HEARTBEAT
    assert streams.admit(header(10, 7, epoch=0)) == Admission(Place.NEXT)
    assert streams.admit(header(18, 2, epoch=0)).place is Place.OUT_OF_ORDER
    assert reports(streams) == [Progress(stream="s", epoch=1, next_seq=17, resend=True)]
    assert streams.admit(header(17, 3, epoch=0)) == Admission(Place.NEXT)
    assert streams.admit(header(20, 3, epoch=1, epoch_seq=20)) == Admission(Place.NEXT)


def test_a_checkpoint_is_reported_and_does_not_reach_into_the_lost_end_of_a_log(streams: Streams) -> None:
    positions = streams.positions()
    streams.checkpointed(positions)
    assert reports(streams) == [Progress(stream="s", next_seq=10, checkpointed_seq=10)]
    streams.checkpointed(positions)
    assert reports(streams) == []
    begin(streams, 1, 6)
    streams.admit(header(6, 3, epoch=1, epoch_seq=6))
    assert reports(streams) == [Progress(stream="s", epoch=1, next_seq=9, checkpointed_seq=6)]
    streams.checkpointed(positions)
    assert reports(streams) == []


def test_restored_streams_go_on_where_they_were(streams: Streams) -> None:
    begin(streams, 3, 10)
    streams.admit(header(10, 2, epoch=3, epoch_seq=10))
    restored = Streams()
    restored.restore(streams.state())
    assert restored.admit(header(10, 2, epoch=3, epoch_seq=10)).place is Place.REPEATED
    assert restored.admit(header(12, 1, epoch=3, epoch_seq=10)).place is Place.NEXT


def test_a_mark_of_an_ended_epoch_that_has_trades_is_refused_with_all_of_them() -> None:
    streams = Streams()
    streams.admit(header(0, 5))
    assert streams.admit(header(5, 1, epoch=1, epoch_seq=5, resume=True, final=True)) == Admission(Place.IMPOSSIBLE)
    assert streams.admit(header(5, 1)).place is Place.NEXT


SECOND_NS = 1_000_000_000


def test_an_ingest_whose_log_is_an_older_copy_and_whose_clock_is_behind_is_believed_after_a_while() -> None:
    streams = Streams()
    begin(streams, 7, 0)
    streams.admit(header(0, 100, epoch=7))
    # The copy ends at 60, and its ingest began epoch 5 there.
    for tenth in range(100):
        streams.tick(tenth * SECOND_NS // 10)
        begin(streams, 5, 60)
        assert streams.admit(header(60, 20, epoch=5, epoch_seq=60)).place is Place.REPEATED
    streams.tick(10 * SECOND_NS)
    with capture_logs() as logs:
        assert streams.admit(header(60, 0, epoch=5, epoch_seq=60, resume=True)).rewound == 40
    assert [line["event"] for line in logs] == ["stream_older", "stream_rewound"]
    assert streams.admit(header(60, 20, epoch=5, epoch_seq=60)) == Admission(Place.NEXT)
    assert [(report.epoch, report.next_seq) for report in reports(streams)] == [(5, 80)]


def test_while_the_newer_ingest_is_heard_an_older_one_is_not_believed(streams: Streams) -> None:
    begin(streams, 7, 10)
    for half_second in range(100):
        streams.tick(half_second * SECOND_NS // 2)
        begin(streams, 5, 10)
        assert streams.admit(header(10, 0, epoch=7, epoch_seq=10)) == Admission(Place.HEARTBEAT)
    assert streams.positions() == {"s": (7, 10)}


def test_a_second_stream_is_joined_with_a_warning(streams: Streams) -> None:
    with capture_logs() as logs:
        streams.admit(header(0, 4, "other", resume=True))
    assert [(line["event"], line["log_level"]) for line in logs] == [("stream_joined", "warning")]
