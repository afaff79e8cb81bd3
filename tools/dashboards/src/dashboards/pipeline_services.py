"""*Pipeline*: what the processes cost, whether they run, and how orders fare."""

from grafana_foundation_sdk.builders import timeseries

from dashboards import palette, promql
from dashboards.parts import PER_SECOND, Panel, colored, lines, over_time
from dashboards.promql import RANGE, STEP

OUTCOMES = {"accepted": palette.GOOD, "refused": palette.BAD, "duplicate": palette.WARN}


def desk_panels() -> list[Panel]:
    """Orders, and the page they come from."""
    return [_orders(), _round_trip(), _reached(), _page_starts(), _silence(), _page_skipped()]


def _orders() -> timeseries.Panel:
    text = (
        "Orders per minute at the paper desk, by outcome. kill switch: 1 while it is engaged, and all orders are "
        "refused."
    )
    queries = [
        over_time("A", f"60 * sum by (outcome) (rate(telemetry_commands_total[{STEP}]))", "{{outcome}}"),
        over_time("B", "max(telemetry_kill_switch_engaged) or vector(0)", "kill switch"),
    ]
    panel = lines("Orders by outcome", text, "none", *queries).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, **OUTCOMES, **{"kill switch": palette.BAD})


def _round_trip() -> timeseries.Panel:
    text = "From an order on the page to its answer, and until it is in the metrics: half of them, and 99 of 100."
    queries = [
        over_time(
            ref,
            f"histogram_quantile({probability}, sum by (le, until) (rate(telemetry_ui_command_seconds_bucket[1m])))",
            f"{name} {{{{until}}}}",
        )
        for ref, probability, name in (("A", 0.5, "p50"), ("B", 0.99, "p99"))
    ]
    return lines("Order round trip", text, "s", *queries).fill_opacity(0)


def _reached() -> timeseries.Panel:
    text = "Orders of the page per minute that reached a status."
    query = over_time("A", f"60 * sum by (status) (rate(telemetry_ui_commands_total[{STEP}]))", "{{status}}")
    return lines("Orders of the page", text, "none", query).axis_soft_min(0).axis_soft_max(1)


def _page_starts() -> timeseries.Panel:
    text = (
        "Starts of the page's process in the chosen time range so far; the first is normal, more are crashes of "
        "the page."
    )
    query = over_time("A", "telemetry_ui_page_starts_total", "starts")
    return lines("Page starts", text, "none", query).decimals(0).axis_soft_min(0)


def _silence() -> timeseries.Panel:
    text = (
        "Since when the page's service has not heard of ingest and analytics (over 1.2 s the page says that one "
        "is away), "
        "and ingest not of analytics."
    )
    queries = [
        over_time("A", "telemetry_ui_silence_seconds", "page of {{service}}"),
        over_time("B", "telemetry_analytics_silent_seconds", "ingest of analytics"),
    ]
    return lines("Silence between services", text, "s", *queries).axis_soft_min(0)


def _page_skipped() -> timeseries.Panel:
    text = (
        "Messages per second that a reader was too slow for: the page skips to newer ones, analytics drops snapshots."
    )
    queries = [
        over_time("A", f"sum(rate(telemetry_ui_page_skipped_messages_total[{STEP}]))", "skipped by the page"),
        over_time("B", f"sum(rate(telemetry_dropped_messages_total[{STEP}]))", "dropped by analytics"),
    ]
    return lines("Skipped messages", text, PER_SECOND, *queries).axis_soft_min(0).axis_soft_max(1)


def service_panels() -> list[Panel]:
    """What the processes cost, whether they answer, and what they could not write."""
    panels = [memory(), cpu(), _scrapes(), _up(), _not_written(), _rules(), _versions(), _event_clock()]
    return [*(panel.span(6) for panel in panels), *(panel.span(12) for panel in (_log(), _checkpoints(), *_durable()))]


def memory() -> timeseries.Panel:
    """Resident memory of each service."""
    text = (
        "Resident memory of each service, of the ui without the page's own process. A line that rises for hours "
        "is a leak."
    )
    return lines("Memory", text, "bytes", over_time("A", "process_resident_memory_bytes", "{{job}}")).axis_soft_min(0)


def cpu() -> timeseries.Panel:
    """Cores that each service uses."""
    text = (
        "Cores used by each service, of the ui without the page's own process. 1 is one core all the time, the "
        "most that a "
        "service with one event loop can use."
    )
    query = over_time("A", f"rate(process_cpu_seconds_total[{STEP}])", "{{job}}")
    return lines("CPU", text, "none", query).decimals(2).axis_soft_min(0)


def _scrapes() -> timeseries.Panel:
    text = "How long a service takes to answer Prometheus. Over 0.9 s the sample is lost."
    return lines("Scrape time", text, "s", over_time("A", "scrape_duration_seconds", "{{job}}")).axis_soft_min(0)


def _up() -> timeseries.Panel:
    text = "1 where a target answers Prometheus. 15 s without an answer are an alert."
    return lines("Up", text, "none", over_time("A", "up", "{{job}}")).decimals(0).min(0).max(1)


def _not_written() -> timeseries.Panel:
    text = (
        "State files, dead letters, log lines and commands for the audit that were not written, in the chosen time "
        "range; `none` when it took all."
    )
    files = promql.or_none(f"sum by (file) ({promql.added('file:telemetry_state_write_failures', RANGE)})", "file")
    queries = [
        over_time("A", files, "{{file}}"),
        over_time("B", promql.sum_added("telemetry_dead_letters_unkept", RANGE), "dead letters"),
        over_time("C", promql.sum_added("job:telemetry_log_lines_lost", RANGE), "log lines"),
        over_time("D", f"sum(increase(telemetry_audit_unkept_total[{RANGE}])) or vector(0)", "audit"),
    ]
    panel = lines("Not written", text, "none", *queries).decimals(0).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, none=palette.GOOD)


def _rules() -> timeseries.Panel:
    text = (
        "Failures of Prometheus itself per minute: rules that it could not evaluate, alerts that it could not "
        "hand on. receivers set: 0 means that nobody is called."
    )
    queries = [
        over_time("A", "60 * sum(rate(prometheus_rule_evaluation_failures_total[1m]))", "rules failed"),
        over_time(
            "B", "60 * sum(rate(prometheus_notifications_errors_total[1m])) or vector(0)", "alerts not delivered"
        ),
        over_time("C", "60 * sum(rate(prometheus_notifications_dropped_total[1m]))", "alerts dropped"),
        over_time("D", "1 - min(prometheus_config_last_reload_successful)", "wrong configuration"),
        over_time("E", "vector(1)", "watchdog"),
        over_time("F", "sum(alertmanager_integrations) or vector(0)", "receivers set"),
    ]
    return lines("Rules and notifications", text, "none", *queries).axis_soft_min(0).axis_soft_max(1)


def _versions() -> timeseries.Panel:
    text = (
        "The version that runs of each service. Where two stand side by side an upgrade is under way, or was half done."
    )
    return lines("Versions", text, "none", over_time("A", "telemetry_build_info", "{{service}} {{version}}")).decimals(
        0
    )


def _event_clock() -> timeseries.Panel:
    text = (
        "How far the event clock, where windows end, is behind the wall clock: seconds in live flow, the age of its "
        "trades in a replay."
    )
    query = over_time("A", "time() - telemetry_event_clock_timestamp_seconds", "behind")
    return lines("Event clock", text, "s", query)


def _log() -> timeseries.Panel:
    text = (
        "What ingest's log of accepted trades takes up on its disk. It is trimmed behind each checkpoint of analytics; "
        "at INGEST_LOG_MAX_BYTES the clients wait."
    )
    query = over_time("A", "telemetry_log_bytes", "log")
    return lines("Log of accepted trades", text, "bytes", query).axis_soft_min(0)


def _checkpoints() -> timeseries.Panel:
    text = (
        "Checkpoints of analytics per minute, by outcome; after failed ones the log grows. log full: times per minute "
        "that clients had to wait for room in it."
    )
    queries = [
        over_time("A", f"60 * sum by (outcome) (rate(telemetry_checkpoints_total[{STEP}]))", "{{outcome}}"),
        over_time("B", f"60 * sum(rate(telemetry_log_full_waits_total[{STEP}]))", "log full"),
    ]
    panel = lines("Checkpoints", text, "none", *queries).axis_soft_min(0).axis_soft_max(1)
    return colored(panel, written=palette.GOOD, failed=palette.BAD, **{"log full": palette.WARN})


def _durable() -> tuple[timeseries.Panel, timeseries.Panel]:
    text = (
        "Trades in the files of durable clients that ingest has not acknowledged, as they say themselves: those on "
        "their way, and all while ingest is away. What stays when a client sends little is held back."
    )
    held = over_time("A", "sum by (source) (telemetry_client_unacknowledged_trades) or on () vector(0)", "{{source}}")
    queries = [
        over_time("A", f"sum(rate(telemetry_acks_total[{STEP}])) or vector(0)", "acknowledgements"),
        over_time("B", f"sum(rate(telemetry_ack_requests_refused_total[{STEP}])) or vector(0)", "requests refused"),
    ]
    said = lines("Acknowledgements", "To durable clients, per second.", PER_SECOND, *queries).axis_soft_min(0)
    return lines("Held by durable clients", text, "short", held).axis_soft_min(0).axis_soft_max(1), said
