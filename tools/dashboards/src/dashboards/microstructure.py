"""The dashboard *Microstructure*: what the studies find about one symbol, and how the studies do."""

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.prometheus import Dataquery

from dashboards import palette
from dashboards.frame import Section, dashboard
from dashboards.parts import (
    BASIS_POINTS,
    PER_SECOND,
    PRICE,
    PRICE_DECIMALS,
    Panel,
    colored,
    legend,
    lines,
    merged,
    now,
    number,
    over_time,
    properties,
    rows,
    sheet,
)
from dashboards.promql import MARKET, OF_SYMBOL, STEP

UID = "microstructure"
PREFIX = "trading_study_"
NAMED = (
    "bar_(open|high|low|close|volume)|twap|session_(high|low)|cvd|vpin_ratio|large_trade_(volume|share)_ratio|"
    "sign_autocorrelation_ratio|smoothed_imbalance_ratio|realised_variance|bipower_variation|jump_share_ratio|"
    "roll_spread|kyle_lambda|amihud_illiquidity|interarrival_(mean_seconds|dispersion_ratio)"
)
"""What has a panel of its own; anything else that studies find is under *Other studies*."""


def microstructure() -> Dashboard:
    """The dashboard; it has no variables of its own."""
    sections: list[Section] = [
        ("Now · $symbol", _now_panels()),
        ("Price and volatility · $symbol", _price_panels()),
        ("Flow and liquidity · $symbol", _flow_panels()),
        ("All symbols", [_symbols()]),
        ("Studies", _study_panels()),
    ]
    text = (
        "What studies find in the trades of one symbol: spread, impact, toxicity, jumps, arrivals. A study that "
        "is added shows up by the name of its metric. docs/studies.md has each formula and its source."
    )
    return dashboard(UID, "Microstructure", text, "now-15m", sections, chosen=("symbol",))


def _of(name: str) -> str:
    return f"{PREFIX}{name}{{{OF_SYMBOL}}}"


def _now_panels() -> list[Panel]:
    return [
        _spread(),
        _one("Kyle's lambda, 5 m", "Price change by unit of signed volume: quote per base².", "kyle_lambda", "sci"),
        _one("Illiquidity, 5 m", "Amihud: mean |log return| by notional, 1 per quote.", "amihud_illiquidity", "sci"),
        _one("VPIN", "Volume-synchronised probability of informed trading: 0 to 1.", "vpin_ratio", "percentunit"),
        _one(
            "Jump share, 5 m", "Share of the realised variance that is due to jumps.", "jump_share_ratio", "percentunit"
        ),
        _one("CVD", "Bought − sold quantity since 00:00 UTC or the start of analytics, base.", "cvd", "short"),
    ]


def _one(title: str, text: str, name: str, unit: str) -> stat.Panel:
    return number(title, text, unit, now("A", _of(name), title), palette.limits(palette.ACCENT)).decimals(2)


def _spread() -> stat.Panel:
    text = (
        "Roll's estimate of the effective spread over 5 minutes, in basis points of the last price. Without a bounce "
        "between bid and ask there is none."
    )
    expr = f"1e4 * {_of('roll_spread')} / on (symbol) trading_last_price{{{OF_SYMBOL}}}"
    return number("Spread (Roll), 5 m", text, BASIS_POINTS, now("A", expr, "spread"), palette.limits(palette.ACCENT))


def _price_panels() -> list[Panel]:
    return [
        _chart(
            "Price, TWAP, session",
            "Last price, its time-weighted mean over 5 minutes, and the session's range.",
            PRICE,
            over_time("A", f"trading_last_price{{{OF_SYMBOL}}}", "last price"),
            over_time("B", _of("twap"), "TWAP"),
            over_time("C", f'{{__name__=~"{PREFIX}session_(high|low)",{OF_SYMBOL}}}', "{{__name__}}"),
        ).decimals(PRICE_DECIMALS),
        _chart(
            "Closed bars",
            "Open, high, low and close of the last closed bar of each length.",
            PRICE,
            over_time("A", f'{{__name__=~"{PREFIX}bar_(open|high|low|close)",{OF_SYMBOL}}}', "{{__name__}} {{bar}}"),
        ).decimals(PRICE_DECIMALS),
        _chart(
            "Volume of closed bars",
            "Quantity of the last closed bar of each length, base.",
            "short",
            over_time("A", _of("bar_volume"), "{{bar}}"),
        ),
        _chart(
            "Volatility, 5 m",
            "Root of the realised variance, and of the bipower variation, which leaves jumps out; not annualised.",
            "percentunit",
            over_time("A", f"sqrt({_of('realised_variance')})", "realised"),
            over_time("B", f"sqrt({_of('bipower_variation')})", "without jumps"),
        ).decimals(3),
        _chart(
            "Jump share",
            "Share of the realised variance that is due to jumps, from 0 to 1.",
            "percentunit",
            over_time("A", _of("jump_share_ratio"), "jumps"),
        ),
        _chart(
            "Arrivals",
            "Mean time between trades over 5 minutes, and (right) its dispersion: 1 is random, above it bursts.",
            "s",
            over_time("A", _of("interarrival_mean_seconds"), "time between"),
            over_time("B", _of("interarrival_dispersion_ratio"), "dispersion"),
        ).override_by_name("dispersion", properties(unit="none", decimals=2, custom__axisPlacement="right")),
    ]


def _flow_panels() -> list[Panel]:
    return [
        _chart(
            "Cumulative volume delta",
            "Bought − sold quantity since 00:00 UTC or the start of analytics, base.",
            "short",
            over_time("A", _of("cvd"), "CVD"),
        ),
        _chart(
            "Toxicity and large trades",
            "VPIN, and the share of the volume that came in large trades: of 5 times the mean size, or above 1 unit.",
            "percentunit",
            over_time("A", _of("vpin_ratio"), "VPIN"),
            over_time("B", f'{{__name__=~"{PREFIX}large_trade_(volume|share)_ratio",{OF_SYMBOL}}}', "{{__name__}}"),
        ),
        _chart(
            "Signs of trades",
            "Autocorrelation of buy and sell at lags in trades, −1 to 1, and the smoothed imbalance of 10 s.",
            "percentunit",
            over_time("A", _of("sign_autocorrelation_ratio"), "lag {{lag}}"),
            over_time("B", _of("smoothed_imbalance_ratio"), "imbalance"),
        ).axis_centered_zero(axis_centered_zero=True),
        _chart(
            "Spread (Roll)",
            "Roll's estimate of the effective spread over 5 minutes, quote per base.",
            PRICE,
            over_time("A", _of("roll_spread"), "spread"),
        ).decimals(PRICE_DECIMALS),
        _chart(
            "Price impact",
            "Kyle's lambda: price change by unit of signed volume, quote per base².",
            "sci",
            over_time("A", _of("kyle_lambda"), "lambda"),
        ),
        _chart(
            "Illiquidity",
            "Amihud: mean |log return| by notional on a grid of 10 s over 5 minutes, 1 per quote.",
            "sci",
            over_time("A", _of("amihud_illiquidity"), "illiquidity"),
        ),
    ]


def _chart(title: str, text: str, unit: str, *queries: Dataquery) -> timeseries.Panel:
    panel = lines(title, text, unit, *queries)
    return panel.fill_opacity(0).legend(legend("lastNotNull"))


def _symbols() -> table.Panel:
    text = (
        "Each symbol in one row. Spread and TWAP in basis points of the last price; empty where a study finds nothing."
    )
    last = f"on (symbol) trading_last_price{{{MARKET}}}"
    values = {
        "spread": ("Spread", f"1e4 * max by (symbol) ({PREFIX}roll_spread{{{MARKET}}}) / {last}"),
        "twap": ("Price − TWAP", f"1e4 * (1 - max by (symbol) ({PREFIX}twap{{{MARKET}}}) / {last})"),
        "lambda": ("Kyle's lambda", _highest("kyle_lambda")),
        "amihud": ("Illiquidity", _highest("amihud_illiquidity")),
        "vpin": ("VPIN", _highest("vpin_ratio")),
        "jumps": ("Jump share", _highest("jump_share_ratio")),
        "large": ("Large trades", _highest("large_trade_volume_ratio")),
        "cvd": ("CVD", _highest("cvd")),
        "dispersion": ("Dispersion", _highest("interarrival_dispersion_ratio")),
    }
    names = {"symbol": "Symbol", **{f"Value #{ref}": title for ref, (title, _) in values.items()}}
    panel = sheet("Symbols", text, *(rows(ref, expr) for ref, (_, expr) in values.items()))
    link = {
        "title": "Show ${__value.text}",
        "url": "/d/microstructure?var-symbol=${__value.raw}&${source:queryparam}&${__url_time_range}",
    }
    panel = panel.transformations(merged(names, by="Symbol", largest_first=False)).unit("short")
    panel = panel.override_by_name("Symbol", properties(links=[link], custom__width=96))
    for title in ("Spread", "Price − TWAP"):
        panel = panel.override_by_name(title, properties(unit=BASIS_POINTS, decimals=2))
    for title in ("Kyle's lambda", "Illiquidity"):
        panel = panel.override_by_name(title, properties(unit="sci", decimals=2))
    for title in ("VPIN", "Jump share", "Large trades"):
        panel = panel.override_by_name(title, properties(unit="percentunit", decimals=1))
    return panel.span(24)


def _highest(name: str) -> str:
    return f"max by (symbol) ({PREFIX}{name}{{{MARKET}}})"


def _study_panels() -> list[Panel]:
    return [panel.span(6) for panel in (_others(), _healthy(), _failures(), _seconds())]


def _others() -> timeseries.Panel:
    text = "What else studies find, your own among them, each in its own unit."
    found = f'{{__name__=~"{PREFIX}.+",__name__!~"{PREFIX}({NAMED})",{OF_SYMBOL}}}'
    expr = f'{found} or on () label_replace(vector(0), "__name__", "none", "", "")'
    return _chart("Other studies", text, "short", over_time("A", expr, "{{__name__}}"))


def _healthy() -> timeseries.Panel:
    text = (
        "1 while a study is healthy, 0 while its last run failed or it is disabled; and files that could not be loaded."
    )
    queries = [
        over_time("A", "telemetry_study_healthy", "{{study}}"),
        over_time("B", "telemetry_study_unusable_files", "unusable files"),
    ]
    return _chart("Health of studies", text, "none", *queries).decimals(0).axis_soft_min(0)


def _failures() -> timeseries.Panel:
    text = "Per second: runs that gave no values or were left out, and starts of the studies' worker."
    queries = [
        over_time("A", f"sum by (study) (rate(telemetry_study_failures_total[{STEP}]))", "failed {{study}}"),
        over_time("B", f"sum by (study) (rate(telemetry_study_skipped_total[{STEP}]))", "left out {{study}}"),
        over_time("C", f"rate(telemetry_study_worker_starts_total[{STEP}])", "worker starts"),
    ]
    panel = lines("Failures of studies", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, **{"worker starts": palette.WARN}).legend(legend("max"))


def _seconds() -> timeseries.Panel:
    text = "Mean time of a run of each study over the last minute."
    expr = "rate(telemetry_study_seconds_sum[1m]) / (rate(telemetry_study_seconds_count[1m]) > 0)"
    return _chart("Run time of studies", text, "s", over_time("A", expr, "{{study}}"))
