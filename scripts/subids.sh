#!/usr/bin/env bash
# Gives a user the subordinate IDs that containers without privileges need: scripts/subids.sh [USER]
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

user=${1:-$(id -un)}
if [ "$user" = root ]; then exit 0; fi

has_ids() { grep -q -e "^$user:" -e "^$(id -u "$user"):" "$1" 2>/dev/null; }

# The first multiple of 65536 above 100000 that no line of either file reaches.
free_start() {
    cat /etc/subuid /etc/subgid 2>/dev/null | awk -F: '
        BEGIN { start = 100000 }
        $2 + $3 > start { start = $2 + $3 }
        END { print start }'
}

if has_ids /etc/subuid && has_ids /etc/subgid; then exit 0; fi
first=$(free_start)
range="$first-$((first + 65535))"
say "giving $user the subordinate IDs $range"
has_ids /etc/subuid || as_root usermod --add-subuids "$range" "$user"
has_ids /etc/subgid || as_root usermod --add-subgids "$range" "$user"
# Containers of this user that exist already know nothing of them until this.
if [ "$user" = "$(id -un)" ]; then podman system migrate >/dev/null 2>&1 || true; fi
