"""What the processes in the containers may do, seen from inside, and what is in their images."""

import re

import pytest
import yaml

from tests.helpers.compose import COMPOSE_FILE, ROOT, Stack, docker
from tests.helpers.figures import Figures

pytestmark = [pytest.mark.stack, pytest.mark.timeout(700)]

MB = 1_000_000
SERVICES = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
BUILT = sorted(name for name, each in SERVICES.items() if "build" in each and "profiles" not in each)
KEEPING = [name for name in BUILT if any(":/data" in each for each in SERVICES[name].get("volumes", ()))]
MOST_MB = {"ingest": 100, "analytics": 220}
START_LIMIT_S = 20
NOT_TO_BE_FOUND = """
import importlib.util, os, shutil
found = [name for name in ("uv", "gcc", "cc", "g++", "make", "git") if shutil.which(name)]
found += [name for name in ("uv_build", "pytest", "mypy") if importlib.util.find_spec(name)]
for top in ("/opt", "/tmp", "/root"):
    for folder, _, files in os.walk(top):
        left = [file for file in files if file.startswith("test_") or file.endswith((".c", ".pyx", ".whl"))]
        found += [f"{folder}/{file}" for file in left]
        found += [folder] if folder.endswith(("/.cache", "/.git")) else []
print(*found)
"""


def status(stack: Stack, service: str) -> dict[str, str]:
    """What the kernel says of the container's first process."""
    text = stack.compose("exec", "-T", service, "cat", "/proc/1/status")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_the_stack_is_healthy_soon_after_it_is_started(stack: Stack, figures: Figures) -> None:
    assert {stack.health(service) for service in stack.services} == {"healthy"}
    assert figures["up_s"] < START_LIMIT_S


def test_no_process_is_root_or_has_any_capability_or_can_gain_one(stack: Stack) -> None:
    for service in stack.services:
        seen = status(stack, service)
        assert "0" not in seen["Uid"].split(), service
        assert "0" not in seen["Gid"].split() or service == "grafana", service
        sets = {name: int(seen[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        assert sets == dict.fromkeys(sets, 0), service
        assert seen["NoNewPrivs"] == "1", service


def test_the_root_file_system_is_read_only_inside_every_container(stack: Stack) -> None:
    for service in stack.services:
        mounts = [line.split() for line in stack.compose("exec", "-T", service, "cat", "/proc/mounts").splitlines()]
        (options,) = [mount[3].split(",") for mount in mounts if mount[1] == "/"]
        assert "ro" in options, service


@pytest.mark.parametrize("service", KEEPING)
def test_a_service_writes_into_its_volume_and_nowhere_else(stack: Stack, service: str) -> None:
    probe = "import os; print(*(os.access(path, os.W_OK) for path in ('/data', '/opt/app', '/opt/venv', '/', '/etc')))"
    answer = stack.compose("exec", "-T", service, "/opt/venv/bin/python", "-c", probe).split()
    assert answer == ["True", "False", "False", "False", "False"]


@pytest.mark.parametrize("service", BUILT)
def test_an_image_holds_the_service_and_nothing_that_built_it(stack: Stack, figures: Figures, service: str) -> None:
    image = stack.inspect(service)["Config"]["Image"]
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert base is not None
    size, base_size = (
        int(docker("image", "inspect", "--format", "{{.Size}}", name).stdout) for name in (image, base[1])
    )
    figures.note(**{f"{service}_mb": (size - base_size) / MB})
    assert size - base_size < MOST_MB.get(service, 1000) * MB
    look = ["--rm", "--user", "0", "--entrypoint", "/opt/venv/bin/python", image, "-c", NOT_TO_BE_FOUND]
    assert docker("run", *look).stdout.split() == []
