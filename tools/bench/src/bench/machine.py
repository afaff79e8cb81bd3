"""The machine that the figures are of."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def describe() -> dict[str, str]:
    """What a reader needs to compare figures: processor, versions, date, and how busy the machine was at the start."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": platform.system() + " " + platform.release().split("-", maxsplit=1)[0],
        "python": platform.python_version(),
        "pyzmq": version("pyzmq"),
        "numpy": version("numpy"),
        "load_before": f"{os.getloadavg()[0]:.2f}",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
