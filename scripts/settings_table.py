"""Writes the table of settings into the README, from the settings classes. Run by `make settings`."""

import sys
from pathlib import Path

from analytics.environment import AnalyticsSettings
from ingest.environment import IngestSettings
from telemetry_runtime import ServiceSettings
from ui.environment import UiSettings

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- settings -->\n", "<!-- /settings -->"


def table() -> str:
    """The rows of all services, as Markdown."""
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    for settings in (IngestSettings, AnalyticsSettings, UiSettings):
        rows += _rows(settings)
    return "\n".join(rows) + "\n"


def _rows(settings: type[ServiceSettings]) -> list[str]:
    prefix = str(settings.model_config.get("env_prefix"))
    return [
        f"| `{prefix}{name.upper()}` | {field.description} | {_default(field.default)} |"
        for name, field in settings.model_fields.items()
    ]


def _default(value: object) -> str:
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else ""


def with_table(readme: str) -> str:
    """The README with the table in its place."""
    before, rest = readme.split(START)
    _, after = rest.split(END)
    return f"{before}{START}{table()}{END}{after}"


def main() -> int:
    """Writes the README."""
    README.write_text(with_table(README.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
