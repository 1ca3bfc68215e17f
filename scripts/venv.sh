#!/usr/bin/env bash
# Makes .venv with the system's Python and this project in it: scripts/venv.sh [--tests]
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

kind=run
if [ "${1:-}" = --tests ]; then kind=tests; fi

python=$(system_python)
[ -n "$python" ] || stop "there is no Python 3.11 or newer in /usr/bin" "scripts/packages.sh"

# What is in the environment is named by what asked for it; `tests` serves `run` too.
wanted=$({ "$python" --version && pwd && cat pyproject.toml; } | sha256sum | cut -d' ' -f1)
stamp=.venv/builder-setup
if [ -x .venv/bin/python ] && [ -f "$stamp" ]; then
    read -r made made_kind <"$stamp"
    if [ "$made" = "$wanted" ] && { [ "$made_kind" = tests ] || [ "$kind" = run ]; }; then exit 0; fi
    if [ "$made_kind" = tests ]; then kind=tests; fi
fi

say "setting up .venv with $("$python" --version)"
same_python='import sys; print(sys.version_info[:2], sys.base_prefix)'
if [ -x .venv/bin/python ] &&
    [ "$(.venv/bin/python -c "$same_python")" != "$("$python" -c "$same_python")" ]; then
    rm -rf .venv
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
rm -f "$stamp"

pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@" >&2; }
if [ "$kind" = tests ]; then
    # Older versions of pip do not know dependency groups.
    .venv/bin/python -m pip install --help | grep -q -e --group || pip install --upgrade pip
    pip install --editable . --group dev
else
    pip install --editable .
fi
printf '%s %s\n' "$wanted" "$kind" >"$stamp"
