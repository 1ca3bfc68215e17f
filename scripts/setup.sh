#!/usr/bin/env bash
# Everything that this user needs on this machine to run builder: scripts/setup.sh [--tests]
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/packages.sh "$@"
scripts/subids.sh
scripts/venv.sh "$@"
if [ "${1:-}" = --tests ]; then scripts/emulation.sh; fi
