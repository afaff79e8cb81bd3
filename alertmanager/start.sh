#!/bin/sh
# Writes Alertmanager's configuration from the environment, and starts it with what is given. Alertmanager reads no
# variables by itself. Whoever is called is named by:
#
#   ALERT_WEBHOOK_URL                             gets each notification as JSON
#   ALERT_SLACK_URL, ALERT_SLACK_CHANNEL          an incoming webhook of Slack
#   ALERT_TELEGRAM_TOKEN, ALERT_TELEGRAM_CHAT_ID  a bot and its chat
#   ALERT_EMAIL_TO, ALERT_EMAIL_FROM, ALERT_SMTP_HOST (host:port), ALERT_SMTP_USER, ALERT_SMTP_PASSWORD
#   ALERT_WATCHDOG_URL                            is called every minute as long as alerts get through
#
# Without any of them nobody is called. Only the file in CONFIG, in memory, has the secrets.
set -eu

CONFIG=${CONFIG:-/tmp/alertmanager.yml}

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }
# A setting is named, its value is not: it may be a secret.
refuse() { printf 'alertmanager: %s\n' "$1" >&2; exit 1; }
missing() { refuse "$1 needs $2"; }

# needs NAME VALUE OTHER VALUE-OF-OTHER: one without the other is half a receiver, which would reach nobody.
needs() { [ -z "$2" ] || [ -n "$4" ] || missing "$1" "$3"; }

url() {
    case $2 in
        '' ) ;;
        *[[:space:]]* ) refuse "$1 has a blank or a line break in it" ;;
        http://[!/]* | https://[!/]* ) ;;
        * ) refuse "$1 must begin with http:// or https:// and a host" ;;
    esac
}

check() {
    for name in ALERT_WEBHOOK_URL ALERT_SLACK_URL ALERT_WATCHDOG_URL; do
        eval "url $name \"\${$name:-}\""
    done
    needs ALERT_SLACK_CHANNEL "${ALERT_SLACK_CHANNEL:-}" ALERT_SLACK_URL "${ALERT_SLACK_URL:-}"
    needs ALERT_TELEGRAM_TOKEN "${ALERT_TELEGRAM_TOKEN:-}" ALERT_TELEGRAM_CHAT_ID "${ALERT_TELEGRAM_CHAT_ID:-}"
    needs ALERT_TELEGRAM_CHAT_ID "${ALERT_TELEGRAM_CHAT_ID:-}" ALERT_TELEGRAM_TOKEN "${ALERT_TELEGRAM_TOKEN:-}"
    needs ALERT_EMAIL_TO "${ALERT_EMAIL_TO:-}" ALERT_EMAIL_FROM "${ALERT_EMAIL_FROM:-}"
    needs ALERT_EMAIL_TO "${ALERT_EMAIL_TO:-}" ALERT_SMTP_HOST "${ALERT_SMTP_HOST:-}"
    for name in ALERT_EMAIL_FROM ALERT_SMTP_HOST ALERT_SMTP_USER ALERT_SMTP_PASSWORD; do
        eval "needs $name \"\${$name:-}\" ALERT_EMAIL_TO \"\${ALERT_EMAIL_TO:-}\""
    done
    needs ALERT_SMTP_USER "${ALERT_SMTP_USER:-}" ALERT_SMTP_PASSWORD "${ALERT_SMTP_PASSWORD:-}"
    needs ALERT_SMTP_PASSWORD "${ALERT_SMTP_PASSWORD:-}" ALERT_SMTP_USER "${ALERT_SMTP_USER:-}"
    case ${ALERT_TELEGRAM_CHAT_ID:-0} in
        - | *[!0-9-]* | ?*-* ) refuse "ALERT_TELEGRAM_CHAT_ID must be a whole number, as the bot's getUpdates gives it" ;;
    esac
    smtp=${ALERT_SMTP_HOST:-host:25}
    case ${smtp%:*}/${smtp##*:} in
        "$smtp"/* | /* | */ | */*[!0-9]* ) refuse "ALERT_SMTP_HOST must be host:port, as in mail.example.com:587" ;;
    esac
}

receivers() {
    if [ -n "${ALERT_WEBHOOK_URL:-}" ]; then
        printf '    webhook_configs:\n      - url: %s\n        send_resolved: true\n' "$(quoted "$ALERT_WEBHOOK_URL")"
    fi
    if [ -n "${ALERT_SLACK_URL:-}" ]; then
        printf '    slack_configs:\n      - api_url: %s\n' "$(quoted "$ALERT_SLACK_URL")"
        [ -z "${ALERT_SLACK_CHANNEL:-}" ] || printf '        channel: %s\n' "$(quoted "$ALERT_SLACK_CHANNEL")"
        printf '        send_resolved: true\n        title: %s\n        text: %s\n' "$(quoted "$TITLE")" "$(quoted "$TEXT")"
    fi
    if [ -n "${ALERT_TELEGRAM_TOKEN:-}" ]; then
        printf '    telegram_configs:\n      - bot_token: %s\n' "$(quoted "$ALERT_TELEGRAM_TOKEN")"
        printf '        chat_id: %s\n        parse_mode: ""\n' "$ALERT_TELEGRAM_CHAT_ID"
        printf '        send_resolved: true\n        message: %s\n' "$(quoted "$TITLE$NEWLINE$TEXT")"
    fi
    if [ -n "${ALERT_EMAIL_TO:-}" ]; then
        printf '    email_configs:\n      - to: %s\n        from: %s\n' "$(quoted "$ALERT_EMAIL_TO")" "$(quoted "$ALERT_EMAIL_FROM")"
        printf '        smarthost: %s\n        send_resolved: true\n' "$(quoted "$ALERT_SMTP_HOST")"
        [ -z "${ALERT_SMTP_USER:-}" ] || printf '        auth_username: %s\n' "$(quoted "$ALERT_SMTP_USER")"
        [ -z "${ALERT_SMTP_PASSWORD:-}" ] || printf '        auth_password: %s\n' "$(quoted "$ALERT_SMTP_PASSWORD")"
        printf '        headers: {Subject: %s}\n        html: ""\n        text: %s\n' "$(quoted "$TITLE")" "$(quoted "$TEXT")"
    fi
}

watchdog() {
    [ -z "${ALERT_WATCHDOG_URL:-}" ] ||
        printf '    webhook_configs:\n      - url: %s\n        send_resolved: false\n' "$(quoted "$ALERT_WATCHDOG_URL")"
}

TITLE='{{ .Status | toUpper }} {{ range .Alerts }}{{ .Annotations.summary }}. {{ end }}'
NEWLINE='{{ "\n" }}'
TEXT="{{ range .Alerts }}{{ .Annotations.description }}$NEWLINE{{ .Annotations.panel }}$NEWLINE{{ .Annotations.runbook }}$NEWLINE{{ end }}"

check
umask 077
cat >"$CONFIG" <<YAML
route:
  receiver: people
  # One notification for one cause: what fires together is sent together.
  group_by: [cause, job]
  group_wait: 5s
  group_interval: 30s
  repeat_interval: 4h
  routes:
    - matchers: [alertname = "Watchdog"]
      receiver: watchdog
      group_wait: 0s
      group_interval: 1m
      repeat_interval: 1m

# What follows from something else is not sent while that fires.
inhibit_rules:
  - source_matchers: [alertname = "TargetDown", job =~ "ingest|analytics"]
    target_matchers: [cause =~ "loss|slowness|silence|clock"]
  - source_matchers: [alertname = "TargetDown"]
    target_matchers: [alertname = "RestartLoop"]
    equal: [job]
  - source_matchers: [alertname = "TargetDown", job = "ui"]
    target_matchers: [alertname =~ "PageRestarts|OrderLatencyHigh"]
  # Completeness is low because trades are lost: say that, and by whom.
  - source_matchers: [alertname =~ "TradesLost|TradesUnaccounted"]
    target_matchers: [alertname = "CompletenessBelow100"]
  - source_matchers: [alertname = "LatencyBudgetBurnsFast"]
    target_matchers: [alertname =~ "LatencyBudgetBurnsSlowly|LatencyOverBudget"]

receivers:
  - name: people
$(receivers)
  - name: watchdog
$(watchdog)
YAML

[ "$#" = 0 ] || exec "$@"
