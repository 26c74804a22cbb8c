#!/bin/sh
# Make .venv from the committed lock. Needs Python >= 3.11; installs uv by pip, the rest by uv.
set -eu

python=""
for candidate in "${PYTHON_FOR_VENV:-python3}" python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "setup: no Python >= 3.11 found; on Debian: apt-get install python3" >&2
    exit 1
fi

# The lock and what reads it decide whether the environment is still right.
stamp=$(cat requirements/dev.txt pyproject.toml scripts/setup.sh hatch_build.py handler/engines/trees.c | cksum)
if [ "$(cat .venv/.installed 2>/dev/null)" = "$stamp" ]; then
    touch .venv/.installed
    exit 0
fi

echo "setup: .venv with $("$python" --version), from requirements/dev.txt"
if [ ! -x .venv/bin/pip ] && ! "$python" -m venv .venv >/dev/null 2>&1; then
    # Debian's python3 comes without ensurepip; root can mend that, others are told.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null 2>&1
    fi
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        echo "setup: python's venv module is missing; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
uv_lock=$(mktemp)
trap 'rm -f "$uv_lock"' EXIT
awk '/^[^ ]/{keep = /^uv==/} keep' requirements/dev.txt > "$uv_lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$uv_lock"
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
echo "$stamp" > .venv/.installed
