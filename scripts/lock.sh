#!/bin/sh
# Writes requirements.lock: everything that the members and the developers need, pinned and hashed, for all platforms
# and all Pythons from 3.11 on. Arguments go to uv: --upgrade, --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" # as in setup.sh

uv=${UV:-}
[ -n "$uv" ] || uv=.tools/uv/bin/uv
[ -x "$uv" ] || uv=uv

set -- "$@" --universal --python-version 3.11 --generate-hashes --group dev --output-file requirements.lock
for member in libs/*/ services/*/ tools/*/; do
    name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "${member}pyproject.toml")
    set -- "$@" --no-emit-package "$name" # installed from this checkout, not pinned
done
# The lock must not say where it was made: no index address, no path, no command line of one machine.
"$uv" pip compile --quiet --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
    "$@" pyproject.toml >/dev/null
# uv ends with a list of our own packages, in an order that changes from run to run.
sed -i.old '/^# The following packages were excluded/,$d' requirements.lock && rm requirements.lock.old
printf 'lock: %s packages in requirements.lock\n' "$(grep -c '^[a-z0-9].*==' requirements.lock)"
