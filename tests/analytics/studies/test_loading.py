"""What is found where, and one clear line for what cannot be used."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analytics.studies.protocol import LENGTH, CallResults, Loaded, pack, unpack_worker
from analytics.studies.runner.calls import Caller
from analytics.studies.runner.frames import FrameMaker
from analytics.studies.runner.loading import ENTRY_POINTS, Library
from tests.analytics.studies.frames import frame

ROOT = Path(__file__).parents[3]

GOOD = """
from telemetry_studies import gauge, study

@study(window="1m", gauges=[gauge("{name}_value", "A value.")])
def {name}(trades):
    return {{"{name}_value": len(trades)}}
"""


def loaded(*places: Path | str, **options: Any) -> Library:  # noqa: ANN401 - options of `load`
    library = Library()
    library.load([str(place) for place in places], **{"builtin": False, **options})
    return library


def problems(library: Library) -> list[tuple[str, str]]:
    return [(Path(problem.where).name, problem.text) for problem in library.problems]


def test_a_file_a_folder_and_a_module_bring_studies(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one.py").write_text(GOOD.format(name="one"))
    (tmp_path / "folder" / "_helper.py").write_text("raise SystemExit")
    (tmp_path / "two.py").write_text(GOOD.format(name="two"))
    library = loaded(tmp_path / "folder", tmp_path / "two.py", "tests.analytics.studies.hostile")
    assert {"one", "two", "good"} <= set(library.studies)
    assert problems(library) == []


@pytest.mark.parametrize(
    ("content", "where", "text"),
    [
        ("x = (\n", "bad.py:1", "SyntaxError"),
        ("\n\nimport nothing_that_exists\n", "bad.py:3", "No module named 'nothing_that_exists'"),
        ("\nraise SystemExit(3)\n", "bad.py:2", "SystemExit: 3"),
        (
            "from telemetry_studies import study\n\nstudy(window='soon', gauges=[])(len)\n",
            "bad.py:3",
            "'soon' is no span",
        ),
        ("\x00", "bad.py", "null bytes"),
    ],
)
def test_a_wrong_file_is_one_line_with_file_and_line_and_the_others_are_loaded(
    tmp_path: Path, content: str, where: str, text: str
) -> None:
    (tmp_path / "bad.py").write_text(content)
    (tmp_path / "good.py").write_text(GOOD.format(name="one"))
    library = loaded(tmp_path)
    assert list(library.studies) == ["one"]
    ((found_where, found_text),) = problems(library)
    assert found_where.startswith(where.partition(":")[0])
    assert where in found_where or ":" not in found_where
    assert text in found_text


def test_two_studies_of_one_name_or_one_gauge_are_distinguished(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD.format(name="one"))
    (tmp_path / "b.py").write_text(GOOD.format(name="one"))
    (tmp_path / "c.py").write_text(GOOD.format(name="one").replace("def one", "def other"))
    library = loaded(tmp_path)
    assert list(library.studies) == ["one"]
    (_, same_name), (_, same_gauge) = problems(library)
    assert same_name.startswith("a study 'one' is there already, in ")
    assert same_gauge == "the gauge 'one_value' is there already, of the study 'one'"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    library = loaded(tmp_path / "nowhere.py", "no_such_module", disabled=["ghost"])
    assert [text for _, text in problems(library)] == [
        "there is no such file or folder",
        "ModuleNotFoundError: No module named 'no_such_module'",
        "ghost: there is no such study",
    ]


def test_the_built_in_set_is_loaded_and_one_of_it_can_be_left_out() -> None:
    library = loaded(builtin=True, disabled=["vpin"])
    assert len(library.studies) == 10
    assert "vpin" not in library.studies
    assert all(found.is_builtin for found in library.studies.values())


@pytest.fixture
def trades() -> dict[str, pd.DataFrame]:
    prices = [100.0 + number % 7 for number in range(60)]
    frames = {symbol: frame(prices, qty=[float(1 + number % 3) for number in range(60)]) for symbol in "AB"}
    return {"BTC-USD": frames["A"], "ETH-USD": frames["B"]}


def ran(library: Library, name: str, frames: dict[str, pd.DataFrame], **parameters: Any) -> dict[str, float]:  # noqa: ANN401 - of the study
    caller = Caller(library, FrameMaker(memoryview(b"")), {name: parameters})
    caller.run(name, frames)
    outcome = caller.run(name, frames)
    assert outcome.reason is None, outcome.text
    results = outcome.values  # noqa: PD011 - no DataFrame
    return {gauge: value for gauge, _, value in results}


def test_each_example_runs(trades: dict[str, pd.DataFrame]) -> None:
    library = loaded(ROOT / "studies")
    assert problems(library) == []
    assert sorted(library.studies) == ["large_trades", "pair", "session_range", "smoothed_imbalance"]
    one = {"BTC-USD": trades["BTC-USD"]}
    assert ran(library, "large_trades", one) == {"large_trade_share_ratio": pytest.approx(5 / 6)}
    assert ran(library, "large_trades", one, above=2.0) == {"large_trade_share_ratio": pytest.approx(0.5)}
    assert ran(library, "smoothed_imbalance", one) == {"smoothed_imbalance_ratio": 1.0}
    assert ran(library, "session_range", one) == {"session_high": 106.0, "session_low": 100.0}
    values = ran(library, "pair", trades)
    assert values["pair_price_ratio"] == 1.0
    assert values["pair_correlation_ratio"] == pytest.approx(1.0)


def test_the_tutorials_study_runs_as_it_stands(tmp_path: Path, trades: dict[str, pd.DataFrame]) -> None:
    text = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    (block, *_) = re.findall(r"^   ```python\n(.*?)^   ```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "big.py").write_text("\n".join(line.removeprefix("   ") for line in block.splitlines()))
    library = loaded(tmp_path)
    assert problems(library) == []
    assert ran(library, "big_trades", {"BTC-USD": trades["BTC-USD"]}) == {"big_trade_share_ratio": pytest.approx(0.5)}


def test_the_tutorial_names_every_built_in_study() -> None:
    text = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    library = loaded(builtin=True)
    missing = [
        name
        for found in library.studies.values()
        for name in (found.study.name, *(each.name for each in found.study.gauges))
        if f"`{name}" not in text and not name.startswith("bar_")
    ]
    assert missing == []


def test_what_a_study_kept_is_forgotten_where_its_symbol_begins_anew() -> None:
    library = loaded("tests.analytics.studies.hostile")
    caller = Caller(library, FrameMaker(memoryview(b"")), {})
    found = []
    for life in (1, 1, 2, 2, 1):
        trades = frame([100.0])
        trades.attrs["life"] = life
        found += caller.run("counter", {"A": trades}).values  # noqa: PD011 - no DataFrame
    assert [value for _, _, value in found] == [1.0, 2.0, 1.0, 2.0, 1.0]


def test_what_studies_keep_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.studies.runner.calls.MAX_STATES", 10)
    caller = Caller(loaded("tests.analytics.studies.hostile"), FrameMaker(memoryview(b"")), {})
    trades = frame([100.0])
    for number in range(50):
        caller.run("counter", {f"S{number}": trades})
    assert len(caller._states) == 10


def test_an_installed_package_brings_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "desk_studies.py").write_text(GOOD.format(name="installed"))
    info = tmp_path / "desk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk\nVersion: 1.0\n")
    points = "desk = desk_studies:anything\nbroken = no_such_package.studies\n"
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    library = loaded()
    assert list(library.studies) == ["installed"]
    assert [text for _, text in problems(library)] == ["ModuleNotFoundError: No module named 'no_such_package'"]


def test_a_study_that_is_off_leaves_its_name_and_its_gauges_to_another(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD.format(name="mine").replace("mine_value", "vpin_ratio"))
    library = loaded(tmp_path, builtin=True, disabled=["vpin"])
    assert {"mine", "twap"} <= set(library.studies)
    assert problems(library) == []


def test_names_that_are_no_unicode_can_be_sent(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff_good.py")).write_text(GOOD.format(name="good"))
    (tmp_path / os.fsdecode(b"\xff_bad.py")).write_text("raise ValueError('\\udcff\\n\\nmore')")
    (tmp_path / "été 币.py").write_text(GOOD.format(name="summer"))
    library = loaded(tmp_path, tmp_path / os.fsdecode(b"\xff_none.py"))
    assert set(library.studies) == {"good", "summer"}
    message = unpack_worker(pack(Loaded(library.specs(), library.problems))[LENGTH.size :])
    assert isinstance(message, Loaded)
    assert [problem.text for problem in message.problems] == [
        "ValueError: ? more",
        "there is no such file or folder",
    ]


def test_an_error_that_cannot_say_what_it_is_and_a_name_that_is_too_long_are_problems_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "mute.py").write_text(
        "class Mute(Exception):\n    def __str__(self):\n        raise Mute\nraise Mute\n"
    )
    library = loaded(tmp_path / "mute.py", tmp_path / ("x" * 5_000))
    assert [text[:12] for _, text in problems(library)] == ["Mute: ", "OSError: [Er"]


def test_what_a_study_does_to_its_frame_no_other_study_sees(tmp_path: Path) -> None:
    (tmp_path / "rough.py").write_text(ROUGH)
    library = loaded(tmp_path)
    caller = Caller(library, FrameMaker(memoryview(b"")), {})
    trades = {"A": frame([100.0, 101.0])}
    for _ in range(2):
        assert caller.run("rough", trades).reason is None
        assert caller.run("after", trades).values == [("columns", "", 8.0), ("last", "", 101.0)]  # noqa: PD011 - no DataFrame


ROUGH = """
from telemetry_studies import gauge, study

@study(window="5m", gauges=[gauge("nothing_else", "Nothing.")])
def rough(trades):
    trades["mine"] = 1.0
    trades.loc[:, "price"] = -1.0
    trades.iloc[0, 0] = -2.0
    del trades["qty"]
    trades.attrs.clear()
    return {}

@study(window="5m", gauges=[gauge("columns", "Columns."), gauge("last", "Last price.")])
def after(trades):
    return {"columns": len(trades.columns), "last": trades["price"].iloc[-1]}
"""


def test_what_a_study_of_several_symbols_keeps_is_kept_for_each_origin(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(BOTH)
    caller = Caller(loaded(tmp_path), FrameMaker(memoryview(b"")), {})
    found = []
    for origin in ("market", "own", "market", "own"):
        trades = frame([100.0])
        trades.attrs |= {"origin": origin, "life": 1 if origin == "own" else 2}
        found += caller.run("both", {"A": trades}).values  # noqa: PD011 - no DataFrame
    assert [value for _, _, value in found] == [1.0, 1.0, 2.0, 2.0]


BOTH = """
from telemetry_studies import gauge, study

@study(window="5m", origin=["market", "own"], together=["A", "B"], gauges=[gauge("calls", "Calls so far.")])
def both(frames, state=None):
    return {"calls": (state or 0) + 1}, (state or 0) + 1
"""


def test_what_a_study_returns_or_prints_that_is_no_unicode_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text(HALF)
    caller = Caller(loaded(tmp_path), FrameMaker(memoryview(b"")), {})
    outcome = caller.run("half", {"A": frame([100.0])})
    assert outcome.values == [("half", "a?", 1.0)]  # noqa: PD011 - no DataFrame
    assert outcome.output == "? printed\n"
    pack(CallResults([outcome], is_last=True))


HALF = """
from telemetry_studies import gauge, study

@study(window="5m", gauges=[gauge("half", "A value.", label="x")])
def half(trades):
    print("\\udcff printed")
    return {"half": {"a\\udcff": 1.0}}
"""
