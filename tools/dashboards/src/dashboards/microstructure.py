"""*Trading*: what the studies find. A study that is added shows up by the name of its metric."""

from grafana_foundation_sdk.builders import timeseries

from dashboards.parts import PER_SECOND, PRICE, Panel, legend, lines, over_time
from dashboards.promql import OF_SYMBOL, STEP

PRICES = "bar_(open|high|low|close)|session_(high|low)|twap"
PREFIX = "trading_study_"


def study_panels() -> list[Panel]:
    """Prices, shares, and everything else."""
    others = f"{PREFIX}({PRICES}|.+_ratio)"
    return [
        _studies(
            "Prices of studies", "Bars, session and time-weighted prices.", PRICE, f'__name__=~"{PREFIX}({PRICES})"'
        ),
        _studies(
            "Ratios of studies",
            "Shares and correlations that studies find, such as VPIN, the share of large trades, the share of jumps.",
            "percentunit",
            f'__name__=~"{PREFIX}.+_ratio"',
        ),
        _studies(
            "Other studies",
            "What else studies find, each in its own unit: price impact, spread, variance, cumulative volume delta.",
            "short",
            f'__name__=~"{PREFIX}.+",__name__!~"{others}"',
        ),
        _healthy(),
        _failures(),
        _seconds(),
    ]


def _studies(title: str, text: str, unit: str, names: str) -> timeseries.Panel:
    panel = lines(title, text, unit, over_time("A", f"{{{names},{OF_SYMBOL}}}", "{{__name__}}"))
    return panel.fill_opacity(0).legend(legend("lastNotNull"))


def _healthy() -> timeseries.Panel:
    text = (
        "1 while a study is healthy, 0 while its last run failed or it is disabled; and files that could not be loaded."
    )
    queries = [
        over_time("A", "telemetry_study_healthy", "{{study}}"),
        over_time("B", "telemetry_study_unusable_files", "unusable files"),
    ]
    return lines("Health of studies", text, "none", *queries).decimals(0).axis_soft_min(0).legend(legend("lastNotNull"))


def _failures() -> timeseries.Panel:
    text = "Per second: runs that gave no values or were left out, and starts of the studies' worker."
    queries = [
        over_time("A", f"sum by (study) (rate(telemetry_study_failures_total[{STEP}]))", "failed {{study}}"),
        over_time("B", f"sum by (study) (rate(telemetry_study_skipped_total[{STEP}]))", "left out {{study}}"),
        over_time("C", f"rate(telemetry_study_worker_starts_total[{STEP}])", "worker starts"),
    ]
    return (
        lines("Failures of studies", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1).legend(legend("max"))
    )


def _seconds() -> timeseries.Panel:
    text = "Mean time of a run of each study over the last minute."
    expr = "rate(telemetry_study_seconds_sum[1m]) / (rate(telemetry_study_seconds_count[1m]) > 0)"
    return lines("Run time of studies", text, "s", over_time("A", expr, "{{study}}")).legend(legend("lastNotNull"))
