#!/usr/bin/env bash
# The checks that run nothing: scripts/lint.sh
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/venv.sh --tests
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
.venv/bin/lint-imports
.venv/bin/python scripts/generate_reference.py --check
# What runs inside containers is no package: its modules find each other by their bare names.
(cd builder/sandbox && ../../.venv/bin/mypy --config-file= --strict --explicit-package-bases \
    --cache-dir ../../.mypy_cache/sandbox ./*.py)
