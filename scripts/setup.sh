#!/bin/sh
# Makes .venv: the packages of requirements.lock, then the workspace members as editable installs.
# Needs a Python >= 3.11 and nothing else: where uv is missing, it is installed into .tools/uv first.
#
# Settings: PYTHON (the interpreter to use), UV_VERSION (the uv to install), VENV (where the environment goes).
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=${UV_VERSION:?set by the Makefile}
UV_OLDEST=0.8  # older ones do not read dependency groups and universal locks the way we write them
VENV=${VENV:-.venv}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

is_new_enough() {
    # Version managers put names on PATH that only print an error, so ask the program itself.
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || die "PYTHON=$PYTHON is not a working Python 3.11 or newer"
        echo "$PYTHON"
        return
    fi
    for name in python3 python python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    die "no Python 3.11 or newer found on PATH; install one, or name it: make setup PYTHON=/path/to/python3"
}

uv_on_path_will_do() {
    version=$(uv --version 2>/dev/null) || return 1
    "$python" - "$version" "$UV_OLDEST" <<'PY'
import re
import sys

found, oldest = (tuple(map(int, re.findall(r"\d+", text)[:2])) for text in sys.argv[1:3])
sys.exit(found < oldest)
PY
}

find_uv() {
    if [ -n "${UV:-}" ]; then
        echo "$UV"
    elif uv_on_path_will_do; then
        command -v uv
    else
        own=.tools/uv/bin/uv
        if [ "$("$own" --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
            say "installing uv $UV_VERSION into .tools/uv" >&2
            rm -rf .tools/uv
            # Debian's python3 has no ensurepip without the package python3-venv, but may have pip.
            if "$python" -m venv .tools/uv >/dev/null 2>&1; then
                .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" >&2
            elif rm -rf .tools/uv && "$python" -m pip --version >/dev/null 2>&1; then
                "$python" -m pip install --quiet --disable-pip-version-check --target .tools/uv "uv==$UV_VERSION" >&2
            else
                die "$python has neither venv nor pip (on Debian: apt install python3-venv), and uv is not installed"
            fi
        fi
        echo "$own"
    fi
}

python=$(find_python)
uv=$(find_uv)
export VIRTUAL_ENV="$PWD/$VENV"
# Behind a proxy with a certificate of its own only the system knows whom to trust; pip asks the system already.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
unset CONDA_PREFIX || true

# An upgrade of the system's Python leaves a dead .venv behind, a move of the checkout one whose programs do not start.
if ! VENV=$VENV ./scripts/venv_is_good.sh; then
    rm -rf "$VENV"
    "$uv" venv --quiet --python "$python" "$VENV"
fi
say "$("$VENV/bin/python" --version) in $VENV, $("$uv" --version | cut -d' ' -f1-2)"

# A sync removes what is not in the lock, the members too; they are installed again after it.
"$uv" pip sync --quiet --require-hashes requirements.lock
set --
for member in libs/*/ services/*/ tools/*/; do
    if [ -f "${member}pyproject.toml" ]; then
        set -- "$@" --editable "./${member%/}"
    fi
done
# The lock has the build backend too, so the members are built with that one and nothing is fetched unchecked.
PATH="$VIRTUAL_ENV/bin:$PATH" "$uv" pip install --quiet --no-deps --no-build-isolation "$@"
printf '%s\n' "$PWD" >"$VENV/.setup-stamp" # where it was made: see venv_is_good.sh
say "ready: $VENV/bin"
