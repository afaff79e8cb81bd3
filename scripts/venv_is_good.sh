#!/bin/sh
# Exit 0 when the environment VENV can be used as it is. It cannot when its interpreter is gone or too old, when it was
# moved (its programs name their interpreter by its full path), or when PYTHON asks for another version.
set -eu
cd "$(dirname "$0")/.."

VENV=${VENV:-.venv}
STAMP=$VENV/.setup-stamp
PRINT_VERSION="import sys; assert sys.version_info >= (3, 11); print(sys.version)"

version=$("$VENV/bin/python" -c "$PRINT_VERSION" 2>/dev/null) || exit 1
made_in=$(cat "$STAMP" 2>/dev/null) || exit 1
[ "${made_in:-$PWD}" = "$PWD" ] || exit 1 # earlier versions wrote no place
if [ -n "${PYTHON:-}" ]; then
    # A PYTHON that does not work is for setup.sh to report.
    [ "$("$PYTHON" -c "$PRINT_VERSION" 2>/dev/null)" = "$version" ] || exit 1
fi
