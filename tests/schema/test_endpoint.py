"""Endpoints: what libzmq would take for another one than was meant."""

import pytest

from telemetry_schema import NO_ENDPOINT, endpoint_fault


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://127.0.0.1:5555",
        "tcp://127.0.0.1:*",
        "tcp://*:5555",
        "tcp://0.0.0.0:0",
        "tcp://[::1]:5555",
        "tcp://[::]:5555",
        "tcp://[fe80::1%eth0]:65535",
        "tcp://ingest:5555",
        "tcp://host-1.example.com:5555",
        "tcp://eth0:5555",
        "ipc:///run/trades",
        "inproc://x",
    ],
)
def test_an_endpoint_is_taken_as_it_is(endpoint: str) -> None:
    assert endpoint_fault(endpoint) is None


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("", NO_ENDPOINT),
        ("tcp://", NO_ENDPOINT),
        ("tcp://127.0.0.1", NO_ENDPOINT),
        ("tcp://:5555", NO_ENDPOINT),
        ("127.0.0.1:5555", NO_ENDPOINT),
        ("http://127.0.0.1:5555", NO_ENDPOINT),
        ("udp://127.0.0.1:5555", NO_ENDPOINT),
        ("TCP://127.0.0.1:5555", NO_ENDPOINT),
        (" tcp://127.0.0.1:5555", NO_ENDPOINT),
        ("tcp://127.0.0.1:5555 tcp://127.0.0.1:5556", NO_ENDPOINT),
        ("tcp://127.0.0.1:70000", "'70000' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:1e3", "'1e3' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:-1", "'-1' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:\u0663", "'\u0663' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:5555;x", "'5555;x' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:", "'' is no port from 1 to 65535"),
        ("tcp://127.0.0.1:" + "9" * 5000, f"'{'9' * 32}' is no port from 1 to 65535"),
        ("tcp://::1:5555", "an IPv6 address stands in brackets, as in tcp://[::1]:5555"),
        ("tcp://[::1:5555", "'[::1' is no IPv6 address"),
        ("tcp://[host]:5555", "'[host]' is no IPv6 address"),
        ("tcp://256.1.1.1:5555", "'256.1.1.1' is no IPv4 address"),
        ("tcp://127.1:5555", "'127.1' is no IPv4 address"),
    ],
)
def test_what_is_no_endpoint_says_why(endpoint: str, fault: str) -> None:
    assert endpoint_fault(endpoint) == fault
