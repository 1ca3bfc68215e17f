#!/usr/bin/env bash
# From a bare machine to wheels that were built from source: scripts/quickstart.sh [FOLDER]
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

target=${1:-quickstart}
scripts/setup.sh
say "the base image (bootstrapped once, from Debian's packages)"
.venv/bin/builder image build cpu
say "building docs/quickstart/requirements.txt and everything that it needs"
.venv/bin/builder --output-dir "$target" bootstrap -r docs/quickstart/requirements.txt
say "done: wheels are in $target/wheels-repo, how they came to be is in $target/work-dir"
