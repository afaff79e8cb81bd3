#!/bin/sh
# Writes tests/dashboards/grafana-schema.json: what Grafana's published types (@grafana/schema on npm, Apache-2.0) say a
# dashboard and our kinds of panels are, as JSON Schema. Needs npm; run it after the image of Grafana in
# docker-compose.yml got another version. The tests need the file alone.
set -eu
cd "$(dirname "$0")/.."

GENERATOR=2.4.0
version=$(sed -n 's#.*image: grafana/grafana:\([0-9.]*\).*#\1#p' docker-compose.yml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm install --silent --no-fund --no-audit --prefix "$work" "@grafana/schema@$version" "ts-json-schema-generator@$GENERATOR"
raw="$work/node_modules/@grafana/schema/dist/types/raw"

schema_of() { # FILE TYPE NAME
    "$work/node_modules/.bin/ts-json-schema-generator" --path "$1" --type "$2" --no-type-check --jsDoc none >"$work/$3.json"
}

schema_of "$raw/dashboard/x/types.gen.d.ts" Dashboard dashboard
for kind in candlestick heatmap stat table timeseries; do
    schema_of "$raw/composable/$kind/panelcfg/x/types.gen.d.ts" Options "$kind.options"
    [ $kind = stat ] || schema_of "$raw/composable/$kind/panelcfg/x/types.gen.d.ts" FieldConfig "$kind.custom"
done

"${PYTHON:-.venv/bin/python}" - "$version" "$work" >tests/dashboards/grafana-schema.json <<'PY'
import json
import sys
from pathlib import Path

files = sorted(Path(sys.argv[2]).glob("*.*.json")) + [Path(sys.argv[2]) / "dashboard.json"]
parts = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
origin = f"@grafana/schema {sys.argv[1]}, Apache-2.0, made into JSON Schema by scripts/grafana_schema.sh"
print(json.dumps({"origin": origin, "version": sys.argv[1], "parts": parts}, separators=(",", ":")))
PY
