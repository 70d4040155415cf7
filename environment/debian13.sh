#!/usr/bin/env bash
# Runs a command on a clean copy of this project inside a Debian 13 root, where the current stack installs.
#
#   environment/debian13.sh make test
#
# Needs root. The root is made once by debootstrap, in $DEBIAN13_ROOT (default /var/tmp/tfx-reference-debian13), and kept;
# the copy of the project is new each time and holds what git tracks, as it is in the working tree.
set -euo pipefail

root=${DEBIAN13_ROOT:-/var/tmp/tfx-reference-debian13}
project=$(cd "$(dirname "$0")/.." && pwd)
packages=python3,python3-venv,python3-pip,python3-dev,g++,make,git,ca-certificates
# Bound into the root: the kernel's file systems, and uv's cache, which saves downloads.
cache=${UV_CACHE_DIR:-$HOME/.cache/uv}

fail() { echo "error: $*" >&2; exit 2; }
mounts_below() { awk -v root="$root/" 'index($2, root) == 1 {print $2}' /proc/mounts | sort -r; }

release() {
    local mount
    for mount in $(mounts_below); do umount "$mount" || umount --lazy "$mount"; done
}

make_root() {
    [ -e "$root/.complete" ] && return
    command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap >/dev/null; }
    # Never remove a folder through which the machine's own /dev or /proc can be reached.
    [ -z "$(mounts_below)" ] || fail "$root has mounts below it: unmount them first"
    rm -rf "$root"
    echo "debian13: making $root (about a minute)"
    debootstrap --variant=minbase --include="$packages" trixie "$root" >"$root.log" 2>&1 ||
        { tail -n 5 "$root.log" >&2; fail "debootstrap failed; its log is $root.log"; }
    touch "$root/.complete"
}

enter() {
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    rm -rf "$root/etc/ssl/certs" && cp -rL /etc/ssl/certs "$root/etc/ssl/certs"
    mkdir -p "$cache" "$root/root/.cache/uv"
    mount --bind /proc "$root/proc"
    mount --bind /sys "$root/sys"
    mount --bind /dev "$root/dev"
    mount --bind "$cache" "$root/root/.cache/uv"
    rm -rf "$root/project" && mkdir "$root/project"
    git -C "$project" ls-files -z | tar -C "$project" --null -T - -cf - | tar -C "$root/project" -xf -
}

[ "$(id -u)" = 0 ] || fail "needs root: debootstrap and chroot do"
[ $# -gt 0 ] || fail "expected a command, such as: $0 make test"
exec 9>"$root.lock"
flock --nonblock 9 || fail "another run is using $root; wait for it, or set DEBIAN13_ROOT"
trap release EXIT
trap 'exit 130' INT TERM
release
make_root
enter
chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}" \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    sh -c 'cd /project && exec "$@"' sh "$@"
