"""Asks this container's service whether it is ready: exit 0 for yes. Standard library only, so it starts fast."""

import os
import sys
from http.client import HTTPConnection, HTTPException

PORTS = {"ingest": 8000, "analytics": 8001, "ui": 8002}
TIMEOUT_S = 2.0


def main() -> int:
    """0 when /readyz answers 200, else 1 with the reason on standard error, which `docker inspect` shows."""
    service = os.environ["SERVICE"]
    port = int(os.environ.get(f"{service.upper()}_HTTP_PORT", PORTS[service]))
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(200).decode(errors="replace")
    except (OSError, HTTPException) as error:
        print(f"port {port}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(f"{response.status} {body}", file=sys.stderr)
    return 0 if response.status == 200 else 1  # noqa: PLR2004  # 200 says what it means


if __name__ == "__main__":
    sys.exit(main())
