"""The command line."""

from pathlib import Path

import pytest

from loadtest.environment import target_of
from loadtest.options import Load, Options, Target, check_outputs, parse


def test_without_arguments_the_defaults_hold() -> None:
    assert parse([]) == Options(Load(), Target())


def test_everything_can_be_said() -> None:
    line = (
        "--rate 5e5 --duration 3 --senders 2 --symbols 200 --form columns --batch 64 --shape burst --pattern a.gz "
        "--seed 9 --max --p99-budget-ms 5 --json r.json --plot r.png --endpoint tcp://h:1 --ingest-url http://h:2 "
        "--analytics-url http://h:3 --grafana-url http://h:4 --own-stack"
    )
    options = parse(line.split())
    load = Load(5e5, 3.0, 2, 200, "columns", 64, "burst", Path("a.gz"), 9)
    target = Target("tcp://h:1", "http://h:2", "http://h:3", "http://h:4", own_stack=True)
    assert options == Options(load, target, True, 5.0, Path("r.json"), Path("r.png"))  # noqa: FBT003 - in order


@pytest.mark.parametrize(
    "wrong",
    [
        "--rate 0",
        "--rate many",
        "--rate inf",
        "--rate nan",
        "--senders 0",
        "--batch 9999",
        "--form rows",
        "--shape burst",
        "--duration -1",
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(wrong.split())
    assert ended.value.code == 2
    assert wrong.split(maxsplit=1)[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [("--rate", "'abc' is not a number above 0"), ("--symbols", "'abc' is not a whole number above 0")],
)
def test_a_number_that_is_none_is_refused_in_plain_words(
    option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse([option, "abc"])
    assert said in capsys.readouterr().err


def test_the_stack_is_where_its_settings_say() -> None:
    assert target_of({}) == Target()
    published = {"TRADES_PORT": "1", "INGEST_METRICS_PORT": "2", "ANALYTICS_METRICS_PORT": "3", "GRAFANA_PORT": "4"}
    urls = ("tcp://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4")
    assert target_of(published) == Target(*urls)
    run = {"INGEST_PULL_ENDPOINT": "tcp://h:5", "INGEST_HTTP_PORT": "6", "INGEST_HTTP_HOST": "h"}
    assert target_of(published | run) == Target("tcp://h:5", "http://h:6", *urls[2:])


def test_what_is_given_wins_over_the_settings() -> None:
    target = target_of({"TRADES_PORT": "1"})
    assert parse([], target).target.endpoint == "tcp://127.0.0.1:1"
    assert parse(["--endpoint", "tcp://h:2"], target).target.endpoint == "tcp://h:2"


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path, option: str) -> None:
    for path in (tmp_path / "missing" / "report", tmp_path):
        with pytest.raises(OSError, match=str(path)):
            check_outputs(parse([option, str(path)]))


def test_the_check_of_a_report_leaves_no_file_and_keeps_an_old_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.png"
    old.write_text("kept", encoding="utf-8")
    check_outputs(parse(["--json", str(old), "--plot", str(new)]))
    assert old.read_text(encoding="utf-8") == "kept"
    assert not new.exists()
