"""What is set for Alertmanager is checked before its start, and what is wrong is said in one line without a secret."""

import subprocess
from pathlib import Path

import pytest

START = Path(__file__).parents[2] / "alertmanager" / "start.sh"
MAIL = {"ALERT_EMAIL_TO": "a@b.c", "ALERT_EMAIL_FROM": "d@e.f"}
PRIVATE = "hooks/s3cret"


def start(folder: Path, settings: dict[str, str]) -> tuple[int, str, str]:
    """Its exit code, what it says, and the configuration."""
    file = folder / "alertmanager.yml"
    environment = {"PATH": "/usr/bin:/bin", "CONFIG": str(file), **settings}
    done = subprocess.run(
        ["/bin/sh", START, "true"], env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    return done.returncode, done.stdout + done.stderr, file.read_text(encoding="utf-8") if file.exists() else ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ALERT_WEBHOOK_URL": PRIVATE}, "ALERT_WEBHOOK_URL must begin with http:// or https:// and a host"),
        ({"ALERT_WEBHOOK_URL": f"ftp://{PRIVATE}"}, "ALERT_WEBHOOK_URL must begin with"),
        ({"ALERT_WEBHOOK_URL": "http://"}, "ALERT_WEBHOOK_URL must begin with"),
        ({"ALERT_SLACK_URL": f"https://h/{PRIVATE} "}, "ALERT_SLACK_URL has a blank or a line break in it"),
        ({"ALERT_WATCHDOG_URL": "http://a\nb: c"}, "ALERT_WATCHDOG_URL has a blank or a line break in it"),
        ({"ALERT_SLACK_CHANNEL": "#desk"}, "ALERT_SLACK_CHANNEL needs ALERT_SLACK_URL"),
        ({"ALERT_TELEGRAM_TOKEN": PRIVATE}, "ALERT_TELEGRAM_TOKEN needs ALERT_TELEGRAM_CHAT_ID"),
        ({"ALERT_TELEGRAM_CHAT_ID": "-12"}, "ALERT_TELEGRAM_CHAT_ID needs ALERT_TELEGRAM_TOKEN"),
        (
            {"ALERT_TELEGRAM_TOKEN": PRIVATE, "ALERT_TELEGRAM_CHAT_ID": "@desk"},
            "ALERT_TELEGRAM_CHAT_ID must be a whole number, as the bot's getUpdates gives it",
        ),
        ({"ALERT_EMAIL_TO": "a@b.c"}, "ALERT_EMAIL_TO needs ALERT_EMAIL_FROM"),
        (MAIL, "ALERT_EMAIL_TO needs ALERT_SMTP_HOST"),
        ({"ALERT_SMTP_PASSWORD": PRIVATE}, "ALERT_SMTP_PASSWORD needs ALERT_EMAIL_TO"),
        (MAIL | {"ALERT_SMTP_HOST": "mail"}, "ALERT_SMTP_HOST must be host:port, as in mail.example.com:587"),
        (MAIL | {"ALERT_SMTP_HOST": "mail:smtp"}, "ALERT_SMTP_HOST must be host:port"),
        (MAIL | {"ALERT_SMTP_HOST": ":25"}, "ALERT_SMTP_HOST must be host:port"),
        (MAIL | {"ALERT_SMTP_HOST": "h:25", "ALERT_SMTP_USER": "u"}, "ALERT_SMTP_USER needs ALERT_SMTP_PASSWORD"),
        (
            MAIL | {"ALERT_SMTP_HOST": "h:25", "ALERT_SMTP_PASSWORD": PRIVATE},
            "ALERT_SMTP_PASSWORD needs ALERT_SMTP_USER",
        ),
    ],
)
def test_a_wrong_receiver_is_named_in_one_line_and_nothing_starts(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    code, output, configuration = start(tmp_path, settings)
    assert (code, configuration) == (1, "")
    assert output.startswith(f"alertmanager: {said}")
    assert output.count("\n") == 1
    assert PRIVATE not in output


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "  - name: people"),
        ({"ALERT_WEBHOOK_URL": 'http://it\'s/$(id)`id`"q"'}, "      - url: 'http://it''s/$(id)`id`\"q\"'"),
        ({"ALERT_WATCHDOG_URL": "http://[::1]:80/"}, "      - url: 'http://[::1]:80/'"),
        ({"ALERT_TELEGRAM_TOKEN": "1:a", "ALERT_TELEGRAM_CHAT_ID": "-100123"}, "        chat_id: -100123"),
        (MAIL | {"ALERT_SMTP_HOST": "[2001:db8::1]:25"}, "        smarthost: '[2001:db8::1]:25'"),
    ],
)
def test_a_right_receiver_is_in_the_configuration_as_it_was_set(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    code, output, configuration = start(tmp_path, settings)
    assert (code, output) == (0, "")
    assert line in configuration.splitlines()
