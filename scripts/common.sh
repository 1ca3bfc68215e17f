# What the other scripts share. Sourced by bash, from the top of the checkout.
# shellcheck shell=bash

set -euo pipefail

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

stop() {
    printf 'error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then printf 'hint: %s\n' "$2" >&2; fi
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Whether this user can become root: is it, or may use sudo (which may ask for a password).
can_be_root() { is_root || { command -v sudo && { sudo -n true || [ -t 0 ]; }; } >/dev/null 2>&1; }

# Prints the first Python of the system that is new enough; nothing where there is none.
system_python() {
    local python
    for python in /usr/bin/python3 /usr/bin/python3.1{1..9}; do
        if [ -x "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            printf '%s\n' "$python"
            return
        fi
    done
}

# The variables that say how to reach the network, as NAME=VALUE, one per element of REACHING.
REACHING=()
collect_reaching() {
    local name
    while IFS= read -r name; do
        case "$name" in
            PIP_CACHE_DIR) ;;
            PIP_* | [Hh][Tt][Tt][Pp]_[Pp][Rr][Oo][Xx][Yy] | [Hh][Tt][Tt][Pp][Ss]_[Pp][Rr][Oo][Xx][Yy] | \
                [Nn][Oo]_[Pp][Rr][Oo][Xx][Yy] | [Aa][Ll][Ll]_[Pp][Rr][Oo][Xx][Yy] | \
                SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE)
                REACHING+=("$name=${!name}")
                ;;
        esac
    done < <(compgen -e)
}
collect_reaching

# as_root COMMAND...: with apt's questions answered and the way to the network kept.
as_root() {
    if is_root; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null; then
        sudo env DEBIAN_FRONTEND=noninteractive ${REACHING[@]+"${REACHING[@]}"} "$@"
    else
        stop "this needs root: $*" "run it as root, or install sudo; then repeat"
    fi
}

# as_user USER COMMAND...: as another ordinary user, in an environment of its own.
as_user() {
    local user=$1 home
    shift
    home=$(getent passwd "$user" | cut -d: -f6)
    runuser -u "$user" -- env -i HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${TERM:+TERM="$TERM"} ${REACHING[@]+"${REACHING[@]}"} "$@"
}
