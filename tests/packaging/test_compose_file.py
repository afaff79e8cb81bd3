"""What the compose file promises about every container, read from the file; tests/stack sees whether it runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtest.options import parse

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = {
    name: service for name, service in COMPOSE["services"].items() if "profiles" not in service
}
LOADTEST: dict[str, Any] = COMPOSE["services"]["loadtest"]

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


@each_service
def test_published_ports_are_on_the_loopback_address_only(service: dict[str, Any]) -> None:
    assert [port for port in service["ports"] if not port.startswith("127.0.0.1:")] == []


@each_service
def test_a_container_may_write_only_its_volume_and_gains_no_rights(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


@each_service
def test_a_container_is_bounded_restarted_and_given_time_to_stop(service: dict[str, Any]) -> None:
    assert {"mem_limit", "pids_limit", "stop_grace_period", "healthcheck"} <= service.keys()
    assert service["restart"] == "unless-stopped"


@each_service
def test_images_have_exact_versions(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])


@each_service
def test_every_named_volume_is_declared(service: dict[str, Any]) -> None:
    named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
    assert named <= COMPOSE["volumes"].keys()


def test_the_load_test_starts_only_when_asked_for_runs_once_and_gains_no_rights() -> None:
    assert LOADTEST["profiles"] == ["loadtest"]
    assert LOADTEST["restart"] == "no"
    assert LOADTEST["read_only"] is True
    assert LOADTEST["cap_drop"] == ["ALL"]
    assert "ports" not in LOADTEST


def test_the_load_test_loads_this_stack_and_starts_none_of_its_own() -> None:
    program, *arguments = LOADTEST["entrypoint"]
    target = parse(arguments).target
    hosts = [target.endpoint, target.ingest_url, target.analytics_url, target.grafana_url]
    assert program == "/opt/app/bin/loadtest"
    assert [host.partition("://")[2].partition(":")[0] for host in hosts] == [
        "ingest",
        "ingest",
        "analytics",
        "grafana",
    ]
    assert not target.own_stack


def test_ingest_stops_before_analytics_so_that_what_it_accepted_is_applied() -> None:
    # compose stops in the reverse order of depends_on.
    assert SERVICES["ingest"]["depends_on"]["analytics"] == {"condition": "service_healthy"}


def test_prometheus_scrapes_every_service_each_second() -> None:
    config = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        target for job in config["scrape_configs"] for block in job["static_configs"] for target in block["targets"]
    }
    own = {name for name, service in SERVICES.items() if "build" in service}
    assert config["global"]["scrape_interval"] == "1s"
    assert {target.partition(":")[0] for target in targets} == {*own, "localhost", "alertmanager"}


def test_the_file_with_keys_gives_each_service_its_own_secret_and_no_other() -> None:
    keys = yaml.safe_load((ROOT / "docker-compose.curve.yml").read_text(encoding="utf-8"))
    assert keys["services"].keys() == {"ingest", "analytics", "ui"}
    for name, service in keys["services"].items():
        prefix = name.upper()
        assert service["secrets"] == [f"{name}-curve"]
        assert service["environment"][f"{prefix}_CURVE_SECRET_FILE"] == f"/run/secrets/{name}-curve"
        assert keys["secrets"][f"{name}-curve"] == {"file": f"./keys/{name}.secret"}
        folders = {volume.partition(":")[0] for volume in service["volumes"]}
        assert folders == {"./keys/services"} | ({"./keys/clients"} if name == "ingest" else set())


def test_visitors_of_grafana_only_look() -> None:
    assert SERVICES["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "${GRAFANA_ROLE:-Viewer}"
