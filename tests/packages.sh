#!/bin/sh
# Usage: packages.sh PROGRAM:PACKAGE[,PACKAGE]...
# Installs the Debian packages of the programs that are missing, and Rust if there is none.
set -eu
fail() { echo "$1" >&2 && exit 1; }
check_rust() {
    [ "$(printf '%s\n' 1.85 "$1" | sort -V | head -n 1)" = 1.85 ] ||
        fail "Rust 1.85 or newer is needed (found: ${1:-none}): see https://rustup.rs"
}

# Debian starts a server as soon as it is installed, unless this policy denies it.
deny_starts() {
    policy=/usr/sbin/policy-rc.d
    [ ! -e $policy ] || return 0
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
}

# Without /proc, many programs fail, each with a different error.
[ -e /proc/self/stat ] || fail '/proc is not mounted: mount -t proc proc /proc'
packages=
for pair in "$@" cargo:cargo; do
    command -v "${pair%%:*}" >/dev/null || packages="$packages $(echo "${pair#*:}" | tr , ' ')"
done
if [ -n "$packages" ]; then
    command -v apt-get >/dev/null || fail "Programs are missing. Debian has them in:$packages"
    sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo='sudo -n'
        $sudo true 2>/dev/null ||
            fail "Programs are missing. As root: apt-get update && apt-get install$packages"
    fi
    echo "Installing Debian packages:$packages" >&2
    $sudo apt-get update -qq
    # Debian's own Rust is new enough from Debian 13 on.
    case $packages in *' cargo')
        check_rust "$(LC_ALL=C apt-cache policy cargo | sed -n 's/^ *Candidate: //p')" ;;
    esac
    case $packages in *nginx* | *redis* | *haproxy*) deny_starts ;; esac
    # shellcheck disable=SC2086 # a list of names
    $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $packages >&2
fi
check_rust "$(cargo --version | cut -d ' ' -f 2)"
