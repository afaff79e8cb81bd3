"""What an endpoint is: where a socket listens or connects.

libzmq reads a number as far as it can, and takes what is left for nothing: `tcp://127.0.0.1:1e3` is its port 1, and
`tcp://127.0.0.1:70000` its port 4464. So an endpoint is looked at before.
"""

import re
from ipaddress import ip_address
from typing import Final

NO_ENDPOINT: Final = "this is not an endpoint like tcp://127.0.0.1:5555"
MAX_PORT: Final = 65_535

_is_port = re.compile(r"[0-9]{1,5}|\*", re.ASCII).fullmatch
_is_numeric = re.compile(r"[0-9.]+", re.ASCII).fullmatch


def endpoint_fault(endpoint: str) -> str | None:
    """What is wrong with an endpoint, for a person; None if nothing is."""
    scheme, _, address = endpoint.partition("://")
    if not address or any(map(str.isspace, endpoint)) or scheme not in {"tcp", "ipc", "inproc"}:
        return NO_ENDPOINT
    return _address_fault(address) if scheme == "tcp" else None


def _address_fault(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    if not host:
        return NO_ENDPOINT
    if not _is_port(port) or (port != "*" and int(port) > MAX_PORT):
        return f"{port[:32]!r} is no port from 1 to {MAX_PORT}"
    if host.startswith("["):
        return None if host.endswith("]") and _is_ip(host[1:-1].partition("%")[0]) else f"{host!r} is no IPv6 address"
    if ":" in host:
        return f"an IPv6 address stands in brackets, as in tcp://[{host}]:{port}"
    return f"{host!r} is no IPv4 address" if _is_numeric(host) and not _is_ip(host) else None


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
