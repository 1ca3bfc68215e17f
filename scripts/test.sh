#!/usr/bin/env bash
# Runs tests on real containers, without privileges and as root: scripts/test.sh [unit] [engines] [e2e]
#
# Without privileges: as the caller, or, when root calls, as the user $BUILDER_TEST_USER (made where
# it is missing), in a copy of the checkout. $ENGINES says what root tests: podman,docker.
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

export BUILDER_TEST_USER=${BUILDER_TEST_USER:-builder-test}
engines=${ENGINES:-podman,docker}
scratch=$(mktemp -d)
dockerd_pid=

clean_up() {
    if [ -n "$dockerd_pid" ]; then
        as_root kill "$dockerd_pid" 2>/dev/null || true
        wait 2>/dev/null || true
    fi
    as_root rm -rf "$scratch"
}
trap clean_up EXIT

# ordinarily COMMAND...: without privileges, at the top of a checkout that this user may write.
ordinarily() {
    if is_root; then
        (cd "$ordinary_checkout" && as_user "$BUILDER_TEST_USER" "$@")
    else
        "$@"
    fi
}

prepare_ordinary_user() {
    is_root || return 0
    if ! id "$BUILDER_TEST_USER" >/dev/null 2>&1; then
        say "making the user $BUILDER_TEST_USER, who has no privileges"
        useradd --create-home --shell /bin/bash "$BUILDER_TEST_USER"
    fi
    scripts/subids.sh "$BUILDER_TEST_USER"
    ordinary_checkout="$(getent passwd "$BUILDER_TEST_USER" | cut -d: -f6)/builder-checkout"
    copy_checkout "$ordinary_checkout"
    ordinarily scripts/venv.sh --tests
}

# Every file of the checkout that git does not ignore; .venv and what else lies there already stays.
copy_checkout() {
    local target=$1
    mkdir -p "$target"
    find "$target" -mindepth 1 -maxdepth 1 ! -name .venv ! -name '.*_cache' -exec rm -rf {} +
    list_files | tar --create --null --files-from - --file - | tar --extract --file - --directory "$target"
    chown -R --no-dereference "$BUILDER_TEST_USER:" "$target"
}

list_files() {
    if [ ! -e .git ]; then
        find . -name .venv -prune -o -name '__pycache__' -prune -o ! -type d -print0
        return
    fi
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
            if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done
}

# The image is bootstrapped once, without privileges; root works on a copy of it.
prepare_images() {
    say "the base image"
    ordinarily .venv/bin/builder image build cpu
    local home
    # shellcheck disable=SC2016
    home=$(ordinarily sh -c 'printf %s "${XDG_CACHE_HOME:-$HOME/.cache}"')
    ordinary_images="$home/builder/images"
    root_cache=${BUILDER_TEST_ROOT_CACHE:-/var/cache/builder-test}
    can_be_root || return 0
    as_root mkdir -p "$root_cache/images"
    local image
    for image in "$ordinary_images"/*/; do
        image=${image%/}
        if as_root test -e "$root_cache/images/${image##*/}"; then continue; fi
        as_root cp -r --reflink=auto "$image" "$root_cache/images/.${image##*/}.copy"
        as_root mv "$root_cache/images/.${image##*/}.copy" "$root_cache/images/${image##*/}"
    done
}

answers() { as_root docker info >/dev/null 2>&1; }

start_docker() {
    case ",$engines," in *,docker,*) ;; *) return 0 ;; esac
    if answers; then return 0; fi
    say "starting dockerd; its log: $scratch/dockerd.log"
    # shellcheck disable=SC2016
    as_root sh -c 'echo $$ >"$1/dockerd.pid"; exec dockerd >"$1/dockerd.log" 2>&1' sh "$scratch" &
    local second
    for second in $(seq 60); do
        if answers; then
            dockerd_pid=$(cat "$scratch/dockerd.pid")
            return 0
        fi
        sleep 1
    done
    dockerd_pid=$(cat "$scratch/dockerd.pid" 2>/dev/null || true)
    tail -n 20 "$scratch/dockerd.log" >&2
    stop "dockerd does not start here ($second seconds)" "to test without it: make test ENGINES=podman"
}

# rooted COMMAND...: as root, leaving nothing of root's in the checkout.
rooted() {
    as_root env BUILDER_TEST_USER="$BUILDER_TEST_USER" BUILDER_TEST_ENGINES="$engines" \
        BUILDER_CACHE_DIR="$root_cache" PYTHONDONTWRITEBYTECODE=1 \
        HYPOTHESIS_STORAGE_DIRECTORY="$scratch/hypothesis" "$@"
}

unit() {
    say "unit tests"
    .venv/bin/pytest -n auto -m 'not engine and not image' tests
}

# on_engines MARKS PATH: on rootless Podman everything, on root's engines what may differ there.
on_engines() {
    local marks=$1 path=$2
    say "without privileges: podman"
    ordinarily env BUILDER_TEST_ENGINES=podman .venv/bin/pytest -m "$marks" "$path"
    if ! can_be_root; then
        say "NOT TESTED: root's engines ($engines), for want of root or sudo"
        return 0
    fi
    say "as root: $engines"
    start_docker
    rooted .venv/bin/pytest -p no:cacheprovider -m "${marks:+$marks and }not once" "$path"
}

scripts/setup.sh --tests
prepared=
for part in "$@"; do
    if [ "$part" != unit ] && [ -z "$prepared" ]; then
        prepare_ordinary_user
        prepare_images
        prepared=yes
    fi
    case "$part" in
        unit) unit ;;
        engines) on_engines '(engine or image)' tests ;;
        e2e) on_engines '' e2e ;;
        *) stop "there are no tests called '$part'" "unit, engines, e2e" ;;
    esac
done
say "passed: $*"
