#!/bin/sh
# Makes .venv what uv.lock says, with bytecode compiled. Called by make when something changed; $1 is the stamp to leave.
# Nothing outside this folder is touched but the package caches of uv and pip.
set -eu
stamp=$1
cd "$(dirname "$0")/.."

any_python() {
    for name in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then echo "$name"; return; fi
    done
    echo "error: no Python found: expected python3.11, python3.12 or python3.13 on PATH; install one" >&2
    exit 2
}

python=$("$(any_python)" environment/stack.py)
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=.uv/bin/uv
    if ! "$uv" --version >/dev/null 2>&1; then
        echo "set-up: fetching uv into .uv"
        rm -rf .uv
        if ! "$python" -m venv .uv; then
            rm -rf .uv
            echo "error: $python cannot make environments, and there is no uv; see make doctor" >&2
            exit 2
        fi
        .uv/bin/python -m pip --quiet --disable-pip-version-check install --requirement environment/uv.txt
    fi
fi

echo "set-up: .venv for $("$python" --version)"
rm -f .venv/.ready-*
# uv keeps a .venv of the same Python and makes any other anew.
UV_PYTHON_DOWNLOADS=never "$uv" sync --quiet --locked --compile-bytecode --python "$python"
touch "$stamp"
