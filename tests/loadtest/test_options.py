"""The command line."""

from pathlib import Path

import pytest

from loadtest.options import Load, Options, Target, parse


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
