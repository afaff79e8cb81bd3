"""What the tools of others say of our files: the compose file, the Dockerfile, Prometheus' configuration and rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.compose import COMPOSE_FILE, ROOT, docker

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def promtool(*words: str) -> str:
    """promtool out of the image that the compose file names."""
    image = re.search(r"image: (prom/prometheus:\S+)", COMPOSE_FILE.read_text(encoding="utf-8"))
    assert image is not None
    mounts = [
        f"{ROOT}/prometheus.yml:/etc/prometheus/prometheus.yml:ro",
        f"{ROOT}/prometheus/rules:/etc/prometheus/rules:ro",
    ]
    mounts.append(f"{ROOT}/prometheus:/prometheus-files:ro")
    options = [word for mount in mounts for word in ("--volume", mount)]
    run = ("run", "--rm", "--network", "none", *options, "--entrypoint", "promtool", image[1])
    done = docker(*run, *words, timeout_s=110)  # hours of rules are evaluated: a minute of a busy processor
    return done.stdout + done.stderr


def test_the_compose_file_is_valid_with_and_without_its_profiles() -> None:
    docker("compose", "-f", str(COMPOSE_FILE), "config", "--quiet")
    docker("compose", "-f", str(COMPOSE_FILE), "--profile", "*", "config", "--quiet")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_prometheus_takes_its_configuration_with_all_rules() -> None:
    assert "rule files found" in promtool("check", "config", "--lint=all", "/etc/prometheus/prometheus.yml")


@pytest.mark.parametrize("file", sorted(file.name for file in (ROOT / "prometheus" / "tests").glob("*.yml")))
def test_the_alert_rules_pass_their_own_tests(file: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", f"/prometheus-files/tests/{file}")
