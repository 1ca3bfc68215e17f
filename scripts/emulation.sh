#!/usr/bin/env bash
# Registers the emulator that tests of another processor's images need: scripts/emulation.sh
#
# A host without root is left as it is, and told so: the tests that need the emulator fail then.
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

case "$(uname -m)" in
    aarch64) platform=linux/amd64 ;;
    *) platform=linux/arm64 ;;
esac

# Prints nothing where containers of the platform run; else why not, and then what root is to do.
lacking() {
    .venv/bin/python - "$platform" <<'END'
import sys

from builder.engines.emulation import NotRunnable, execution

match execution(sys.argv[1]):
    case NotRunnable(reason, remedy):
        print(reason, remedy, sep="\n")
END
}

found=$(lacking)
[ -n "$found" ] || exit 0
{ read -r reason; read -r remedy || true; } <<<"$found"
if ! can_be_root; then
    say "images for $platform do not run here: $reason; as root: $remedy"
    exit 0
fi
say "images for $platform do not run here yet: $reason"
as_root sh -c "$remedy" || true
found=$(lacking)
if [ -n "$found" ]; then say "images for $platform still do not run here: ${found%%$'\n'*}"; fi
