"""The microstructure set: equal to a second computation on recorded trades, and right on planted ones."""

import math

import numpy as np
import pytest

from analytics.studies.builtin import (
    amihud,
    arrivals,
    bars,
    cvd,
    kyle_lambda,
    large_trade_volume,
    roll_spread,
    sign_autocorrelation,
    twap,
    variance,
    vpin,
)
from tests.analytics.batches import NOW, SECOND
from tests.analytics.studies import reference
from tests.analytics.studies.frames import frame
from tests.analytics.studies.recorded import framed, recorded
from tests.analytics.studies.reference import Print


@pytest.fixture(scope="module")
def prints() -> list[Print]:
    return recorded()


def test_each_study_equals_the_second_computation_on_recorded_trades(prints: list[Print]) -> None:
    trades = framed(prints)
    mean, dispersion = reference.arrivals(prints)
    lags = sign_autocorrelation(trades)["sign_autocorrelation_ratio"]
    computed = {
        **twap(trades),
        **variance(trades),
        **large_trade_volume(trades),
        **vpin(trades),
        **roll_spread(trades),
        **kyle_lambda(trades),
        **amihud(trades),
        **arrivals(trades),
        **{f"lag {lag}": value for lag, value in lags.items()},
    }
    again = {
        "twap": reference.twap(prints, prints[-1].at_ns),
        "realised_variance": reference.realised_variance(prints),
        "bipower_variation": reference.bipower_variation(prints),
        "jump_share_ratio": reference.jump_share(prints),
        "large_trade_volume_ratio": reference.large_share(prints),
        "vpin_ratio": reference.vpin(prints),
        "roll_spread": reference.roll_spread(prints),
        "kyle_lambda": reference.kyle_lambda(prints),
        "amihud_illiquidity": reference.amihud(prints),
        "interarrival_mean_seconds": mean,
        "interarrival_dispersion_ratio": dispersion,
        **{f"lag {lag}": reference.sign_autocorrelation(prints, lag) for lag in (1, 5, 10)},
    }
    assert computed == pytest.approx(again, rel=1e-9)


def test_bars_kept_from_call_to_call_equal_those_of_the_raw_trades(prints: list[Print]) -> None:
    state = None
    checked = 0
    for count in range(300, len(prints), 137):
        first = max(count - 700, 0)
        end_ns = prints[count - 1].at_ns
        values, state = bars(framed(prints[first:count], first=first), state=state)
        for label, seconds in (("1s", 1), ("1m", 60)):
            closed = end_ns // (seconds * SECOND) * (seconds * SECOND)
            if label in values["bar_open"]:
                expected = reference.bar(prints, closed - seconds * SECOND, closed)
                shown = tuple(values[f"bar_{what}"][label] for what in ("open", "high", "low", "close", "volume"))
                assert shown == pytest.approx(expected, rel=1e-9)
                checked += 1
    assert checked > 20


def test_a_bar_is_left_out_where_trades_were_missed() -> None:
    times = [NOW // (60 * SECOND) * 60 * SECOND + number * SECOND for number in range(200)]
    _, state = bars(frame([100.0] * 100, at_ns=times[:100]))
    values, _ = bars(frame([100.0] * 20, at_ns=times[150:170], first=150), state=state)
    assert "1m" not in values["bar_open"]


def test_cvd_is_bought_less_sold_and_begins_anew_at_midnight_utc() -> None:
    midnight = (NOW // (86_400 * SECOND) + 1) * 86_400 * SECOND
    early = [midnight - 3, midnight - 2, midnight - 1]
    before = frame([1.0] * 3, qty=[5, 2, 1], buys=[True, False, True], at_ns=early)
    values, state = cvd(before)
    assert values == {"cvd": 4.0}
    after = frame(
        [1.0] * 5,
        qty=[5, 2, 1, 7, 3],
        buys=[True, False, True, True, False],
        at_ns=[*early, midnight + 1, midnight + 2],
    )
    values, state = cvd(after, state=state)
    assert values == {"cvd": 4.0}
    more = frame([1.0], qty=[1.0], at_ns=[midnight + 3])
    more.attrs |= {"bought": 14.0, "sold": 5.0}
    assert cvd(more, state=state)[0] == {"cvd": 5.0}


def test_vpin_is_between_zero_and_one_and_one_where_all_push_the_same_way() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        n = int(random.integers(50, 300))
        value = vpin(frame([1.0] * n, qty=random.exponential(1, n).tolist(), buys=(random.random(n) < 0.5).tolist()))
        assert 0 <= value["vpin_ratio"] <= 1
    assert vpin(frame([1.0] * 60))["vpin_ratio"] == pytest.approx(1.0)


def test_bipower_variation_is_the_variance_of_a_diffusion_and_leaves_a_jump_out() -> None:
    random = np.random.default_rng(2)
    realised, bipower, shares = [], [], []
    for _ in range(100):
        steps = random.normal(0, 1e-4, 300)
        calm = variance(frame((100 * np.exp(steps.cumsum())).tolist()))
        realised.append(calm["realised_variance"])
        bipower.append(calm["bipower_variation"])
        steps[150] += 4e-3  # 40 standard deviations
        shares.append(variance(frame((100 * np.exp(steps.cumsum())).tolist()))["jump_share_ratio"])
    assert np.mean(bipower) == pytest.approx(np.mean(realised), rel=0.03)
    planted = 4e-3**2 / (4e-3**2 + 300 * 1e-4**2)
    # The two products that hold the jump stay in the bipower variation: π |jump| E|r| of it, here 5 % of the whole.
    left_in = math.pi * 4e-3 * math.sqrt(2 / math.pi) * 1e-4 / (4e-3**2 + 300 * 1e-4**2)
    assert np.mean(shares) == pytest.approx(planted - left_in, abs=0.02)


def test_roll_finds_a_planted_spread() -> None:
    random = np.random.default_rng(3)
    sides = random.choice([-1, 1], 20_000)
    mid = 100 + random.normal(0, 0.001, 20_000).cumsum()
    prices = mid + sides * 0.05  # a spread of 0.1
    assert roll_spread(frame(prices.tolist()))["roll_spread"] == pytest.approx(0.1, rel=0.03)


def test_kyle_finds_a_planted_impact() -> None:
    random = np.random.default_rng(4)
    signed = random.normal(0, 2, 5_000)
    prices = 100 + (0.01 * signed + random.normal(0, 0.01, 5_000)).cumsum()
    trades = frame(prices.tolist(), qty=np.abs(signed).tolist(), buys=(signed > 0).tolist())
    assert kyle_lambda(trades)["kyle_lambda"] == pytest.approx(0.01, rel=0.03)


@pytest.mark.parametrize("prices", [[100.0], [100.0, 100.0], [0.0] * 30, [-1.0, 1.0] * 30, [1e-9] * 60, [1e9] * 60])
def test_what_is_not_defined_is_left_out_or_nan_and_never_wrong(prices: list[float]) -> None:
    trades = frame(prices)
    for study in (twap, variance, large_trade_volume, vpin, roll_spread, kyle_lambda, amihud, arrivals):
        for value in study(trades).values():
            assert not math.isinf(value)
    values, _ = bars(trades)
    assert all(not math.isinf(x) for by_bar in values.values() for x in by_bar.values())
    assert "realised_variance" not in variance(frame([-1.0, 1.0] * 30))


def test_bars_keep_ten_minutes_of_seconds_however_long_they_run() -> None:
    state = None
    for hour in range(3):
        times = [NOW + (hour * 3_600 + second) * SECOND for second in range(3_600)]
        _, state = bars(frame([100.0] * 3_600, at_ns=times, first=hour * 3_600), state=state)
    assert state is not None
    assert state.seconds is not None
    assert len(state.seconds.second) == 601
