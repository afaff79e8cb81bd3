"""The end: services stop cleanly in time, and `down` leaves nothing. Runs last, as its name sorts last."""

import time

import pytest

from tests.helpers.compose import Stack, docker

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

STOP_LIMIT_S = 20
LEFT = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))


def test_a_stop_is_clean_and_well_within_the_grace_time(stack: Stack) -> None:
    began_s = time.monotonic()
    stack.compose("stop")
    assert time.monotonic() - began_s < STOP_LIMIT_S
    assert {service: stack.inspect(service)["State"]["ExitCode"] for service in stack.services} == dict.fromkeys(
        stack.services, 0
    )


def test_down_leaves_no_container_no_network_and_no_volume(stack: Stack) -> None:
    stack.compose("down", "--volumes")
    mine = f"label=com.docker.compose.project={stack.project}"
    assert [docker(*words, "--quiet", "--filter", mine).stdout for words in LEFT] == ["", "", ""]
