#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing: scripts/packages.sh [--tests]
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

# Each line: a package, and a file or command that shows that it is there already (from whatever
# source). Packages marked `?` are taken where the release has them.
needed() {
    cat <<'END'
git git
podman podman
runc runc
uidmap newuidmap
mmdebstrap mmdebstrap
debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
gpg gpg
ca-certificates /etc/ssl/certs/ca-certificates.crt
?crun crun
?catatonit /usr/libexec/podman/catatonit
?slirp4netns slirp4netns
?passt pasta
?fuse-overlayfs fuse-overlayfs
END
    if [ "${1:-}" = --tests ]; then
        cat <<'END'
docker.io dockerd
?docker-cli docker
?qemu-user-static qemu-aarch64-static
?binfmt-support update-binfmts
?arch-test arch-test
?busybox-static busybox
?docker-registry docker-registry
END
    fi
}

is_there() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
    esac
}

missing=() optional=()
while read -r package shown; do
    if is_there "$shown"; then continue; fi
    case "$package" in
        \?*) optional+=("${package#\?}") ;;
        *) missing+=("$package") ;;
    esac
done < <(needed "$@")

python=$(system_python)
if [ -z "$python" ]; then
    missing+=(python3 python3-venv)
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
fi

# An optional package that this release does not have must not be asked for at every call.
stamp="${XDG_CACHE_HOME:-$HOME/.cache}/builder/absent-packages"
if [ ${#missing[@]} -eq 0 ] && { [ ${#optional[@]} -eq 0 ] ||
    [ "$(cat "$stamp" 2>/dev/null)" = "${optional[*]}" ]; }; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    [ ${#missing[@]} -eq 0 ] && exit 0
    stop "these are missing: ${missing[*]}" \
        "install what gives them on this system; on Debian and Ubuntu this script does"
fi
can_be_root || {
    [ ${#missing[@]} -eq 0 ] && exit 0
    stop "packages are missing, and only root can install them" \
        "as root: apt-get install ${missing[*]} ${optional[*]}"
}
say "installing packages: ${missing[*]} ${optional[*]}"
as_root apt-get update -qq || say "apt-get update had trouble; going on with what is known"
for package in ${optional[@]+"${optional[@]}"}; do
    if apt-cache show "$package" >/dev/null 2>&1; then missing+=("$package"); fi
done
if [ ${#missing[@]} -gt 0 ]; then
    as_root apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" >/dev/null
fi

# Older releases have a new enough Python beside their own.
if [ -z "$(system_python)" ]; then
    say "the system's python3 is older than 3.11: installing another one beside it"
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then
            as_root apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "python$version-venv" >/dev/null
            break
        fi
    done
    [ -n "$(system_python)" ] || stop "there is no Python 3.11 or newer in this system's packages"
fi

left=()
while read -r package shown; do
    if ! is_there "$shown"; then left+=("${package#\?}"); fi
done < <(needed "$@" | grep '^?')
mkdir -p "$(dirname "$stamp")"
printf '%s\n' "${left[*]-}" >"$stamp"
