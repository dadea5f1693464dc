#!/bin/sh
# Tests the rule, the extras and a restart on this kernel, on those of Debian's releases, and on a
# big-endian machine, in both builds. The other kernels run under qemu, which needs no privileges.
# They are downloaded once, from the Debian mirror of apt's sources, and kept in target/kernels.
# Prints a table, then each contradiction of the rule, each unexpected result, and each difference
# between the builds. The exit status is 1 if there is any.
# This script is also the init of the virtual machines.
set -u
names='s390x bullseye bookworm trixie trixie-backports this' # the slowest first

# Sets a cell of the table. What measure prints without an @ is an error.
cell() { echo "@$1 $2"; }

# same_output NAME: compares the output of the builds, in NAME.c and NAME.rust.
same_output() {
    [ "$builds" = c ] || diff "$1.c" "$1.rust" >"$1.diff" && return
    echo "$1: C (<) and Rust (>) differ:" && cat "$1.diff"
    same=no
}

# run NAME ARGUMENT...: runs each build with the arguments.
run() {
    name=$1 && shift
    for build in $builds; do
        "./$build" "$@" >"$name.$build" 2>&1 </dev/null
        echo "exit status $?" >>"$name.$build"
    done
    same_output "$name"
}

# check NAME ARGUMENT...: runs each build, and prints the results that are not as expected.
check() {
    run "$@"
    sum=$(sed -n 's/^unexpected results: //p
        s/^\([0-9]*\) [^;]*; \([0-9]*\) contradict.*/\2 of \1/p' "$1.c")
    cell "$1" "${sum:-failed}"
    case $sum in 0 | '0 of '*) return ;; esac
    echo "$1, C:"
    [ "$sum" ] || tail -n 5 "$1.c"
    # In tables, such a result is marked with an exclamation mark. CSV has columns to compare.
    awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
        /!/ || column["result"] && $column["result"] != $column["predicted"] ||
            column["bind"] && ($column["bind"] != $column["predicted_bind"] ||
                $column["listen"] != $column["predicted_listen"])' "$1.c"
}

# await FILE TEXT: waits until the file contains the text.
await() {
    for _ in $(seq 300); do
        grep -q "$2" "$1" && return
        sleep 0.1
    done
    echo "restart, $build: after 30 s, $1 does not contain '$2':" && cat "$1"
    return 1
}

# The exit status of explain is 1 for a port in use, and 3 if the kernel has no tcp_diag.
explain() {
    run explain explain "$address"
    case $(tail -n 1 explain.c) in
    *1) tcp_diag=with ;;
    *3) tcp_diag=without ;;
    *) tcp_diag=failed && echo 'explain, C:' && cat explain.c ;;
    esac
}

# restart BUILD: restarts the server while a client is connected.
restart() {
    build=$1 && rm -f in && mkfifo in
    "./$build" serve "$address" >old 2>&1 &
    pids=$!
    await old listening || return
    "$nc" "${address%:*}" "${address#*:}" <in >client 2>&1 &
    pids="$pids $!"
    exec 3>in
    echo hello >&3
    await client hello || return
    kill "${pids% *}"
    wait "${pids% *}" 2>/dev/null
    timeout 30 "./$build" serve --no-reuseaddr "$address" >refused 2>&1
    echo "exit status $?" >>refused
    await refused 'Address already in use' || return
    "./$build" serve "$address" >new 2>&1 &
    pids="$! ${pids#* }"
    await new listening || return
    echo again >&3 # to the child process of the old server
    await client again || return
    sed 's/[0-9][0-9]*/N/g; s|\./[a-z]*|BUILD|' old refused new client >"restart.$build"
    [ "$build" = c ] || return 0

    explain
    explains=$tcp_diag
    [ $$ != 1 ] || insmod /modules/inet_diag.ko
    [ $$ != 1 ] || insmod /modules/tcp_diag.ko
    explain
    [ "$tcp_diag" = "$explains" ] || explains="$explains, $tcp_diag"
}

# Measures this kernel. Both builds are in the current folder.
measure() {
    builds=c && [ ! -e rust ] || builds='c rust'
    same=yes restart=yes explains=failed
    release=$(uname -v | sed -n 's/.*Debian \([^ ]*\).*/\1/p')
    cell release "${release:-$(uname -r)}"
    check rules rules
    sed -n 's/^This kernel /@change /p' rules.c
    check all rules --all
    check sequences rules --sequences "${SEQUENCES:-14000}"
    check abi abi
    nc=$(command -v nc.openbsd || command -v nc)
    address=127.9.$(($$ / 250 % 250)).$(($$ % 250 + 1)):9099
    for build in $builds; do
        restart "$build" || restart=no
        exec 3>&-
        # shellcheck disable=SC2086 # a list
        { kill $pids && wait; } 2>/dev/null
    done
    [ $restart = no ] || same_output restart
    cell restart $restart
    cell explain "$explains"
    [ "$builds" != c ] || same='C only'
    cell same "$same"
    cell end .
}

if [ $$ = 1 ]; then
    /bin/busybox --install -s /bin
    export PATH=/bin
    mount -t proc proc /proc
    mount -t devtmpfs devtmpfs /dev
    ip link set lo up
    insmod /modules/dummy.ko
    insmod /modules/veth.ko
    cd /builds && measure 2>&1
    poweroff -f
fi

cd "$(dirname "$0")/.." || exit
folder=$PWD/target/kernels

# untried NAME REASON: makes the reason the report on this kernel.
untried() {
    cell untried "$2" >"$folder/$1.report"
    return 1
}

# use_suite SUITE ARCHITECTURES: lets apt-get and apt-cache see this suite of Debian, and no
# installed packages.
use_suite() {
    suite=$1 apt=$folder/apt/$1
    unset APT_CONFIG
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" && : >"$apt/status"
    options="arch=$2 target=Packages signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    # shellcheck disable=SC2016 # apt-get replaces the names
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sort -u |
        while read -r label uri; do
            case $label in
            Debian) printf "deb [$options] $uri %s main\n" "$suite" "${suite%-backports}" ;;
            Debian-Security) echo "deb [$options] $uri ${suite%-backports}-security main" ;;
            esac
        done | uniq >"$apt/sources"
    cat >"$apt/conf" <<END
APT::Architecture "amd64"; APT::Architectures { "amd64"; "s390x"; };
APT::Sandbox::User "root"; Acquire::Languages "none"; Dir::Etc::sourceparts "-";
Dir::Etc::sourcelist "$apt/sources"; Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status"; Dir::Cache "$apt";
END
    export APT_CONFIG="$apt/conf"
    # An old suite may remain on only one of the sources.
    apt-get -qq update 2>"$folder/errors"
}

# unpack PACKAGE...: downloads the packages, and unpacks them into the folder package.
unpack() {
    rm -rf "$folder/debs" "$folder/package" && mkdir "$folder/debs" || exit
    (cd "$folder/debs" && apt-get -qq download "$@") 2>"$folder/errors" || return
    for deb in "$folder"/debs/*.deb; do dpkg-deb -x "$deb" "$folder/package" || exit; done
    rm -r "$folder/debs"
}

# version PACKAGE: prints the newest version in the suite that was used last.
version() { apt-cache madison "$1" | grep " $suite" | sed -n '1s/.*| *\(.*\) |.*/\1/p'; }

# fetch NAME SUITE ARCHITECTURE PACKAGE: fetches the kernel that the package depends on.
fetch() {
    [ ! -e "$folder/$1" ] || return 0
    use_suite "$2" "$3"
    packages=$(apt-cache depends --recurse --important "$4:$3=$(version "$4:$3")" 2>/dev/null |
        grep -E '^linux-(image|binary|modules)-[0-9]')
    [ "$packages" ] || untried "$1" "no package $4 in $2" || return
    # shellcheck disable=SC2086 # a list
    unpack "busybox-static:$3" $packages || untried "$1" "$(tail -n 1 "$folder/errors")" || return
    new=$folder/new root=$folder/new/root
    rm -rf "$new"
    mkdir -p "$root/bin" "$root/builds" "$root/dev" "$root/modules" "$root/proc" "$root/tmp"
    find "$folder/package" -path '*/bin/busybox' -exec mv {} "$root/bin" \;
    ln -s busybox "$root/bin/sh"
    for module in dummy inet_diag tcp_diag veth; do
        find "$folder/package" -name "$module.ko*" -exec mv {} "$root/modules" \;
    done
    [ ! -e "$root/modules/veth.ko.xz" ] || xz -d "$root"/modules/*.xz
    find "$folder/package" -name 'vmlinuz*' -exec mv {} "$new/kernel" \;
    mv "$new" "$folder/$1"
}

# Builds for s390x. Debian has Rust's standard library for s390x, for its own compilers only.
build_s390x() {
    mkdir -p "$folder/cross" && rm -f "$folder/cross/rust"
    make --silent c CC=s390x-linux-gnu-gcc LINK=dynamic CFLAGS='-O2 -static' \
        C_PROGRAM="$folder/cross/c" || exit
    if [ ! -e "$folder/rust" ]; then
        use_suite bookworm amd64,s390x
        std=libstd-rust-web
        version=$(version "$std-dev:s390x")
        lib=$std-$(echo "$version" | cut -d . -f 1,2)
        llvm=$(apt-cache depends "$lib=$version" | sed -n 's/.*Depends: \(libllvm\)/\1/p')
        unpack "rustc-web=$version" "$lib=$version" "$llvm" "$std-dev:amd64=$version" \
            "$std-dev:s390x=$version" || {
            echo "s390x: no Rust build: $(tail -n 1 "$folder/errors")" && return
        }
        mv "$folder/package" "$folder/rust"
    fi
    RUSTC=$folder/rust/usr/bin/rustc LD_LIBRARY_PATH=$folder/rust/usr/lib/x86_64-linux-gnu \
        CARGO_TARGET_DIR=$folder/cargo \
        CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER=s390x-linux-gnu-gcc \
        RUSTFLAGS='-C target-feature=+crt-static -C relocation-model=static' \
        cargo build --quiet --release --target s390x-unknown-linux-gnu || exit
    cp "$folder/cargo/s390x-unknown-linux-gnu/release/reuseaddr" "$folder/cross/rust"
}

# start NAME: measures a kernel, in a virtual machine unless it is this one.
start() {
    work=$folder/work/$1 report=$folder/$1.report c=target/c-reference/reuseaddr
    rust=target/release/reuseaddr
    [ "$1" != s390x ] || c=$folder/cross/c rust=$folder/cross/rust
    rm -rf "$work" && mkdir -p "$work/builds" && cp "$c" "$work/builds/c" || exit
    [ ! -e "$rust" ] || cp "$rust" "$work/builds/rust"
    if [ "$1" = this ]; then
        (cd "$work/builds" && measure) >"$report" 2>&1
        return
    fi
    cp -r "$folder/$1/root/." "$work" && cp tests/kernels.sh "$work/init" && chmod +x "$work/init"
    (cd "$work" && find . | cpio --quiet -o -H newc | gzip -1) >"$work.initrd"
    case $1 in
    s390x) set -- "$1" qemu-system-s390x -machine s390-ccw-virtio ;;
    *) set -- "$1" qemu-system-x86_64 -machine q35 ;;
    esac
    # A small machine keeps only 2048 sockets in TIME_WAIT, unless its hash table is larger. Without
    # mitigations and init_on_alloc, qemu needs less time.
    options='quiet console=ttyS0 thash_entries=131072 mitigations=off init_on_alloc=0'
    kernel=$folder/$1/kernel && shift
    timeout --foreground 900 "$@" -accel tcg -m 512 -nic none -nodefaults -display none \
        -serial stdio -no-reboot -kernel "$kernel" -initrd "$work.initrd" \
        -append "$options" </dev/null 2>&1 | tr -d '\r' >"$work.console"
    sed -n '/^@release/,/^@end/p' "$work.console" >"$report"
    grep -q '^@end' "$report" || { echo 'stopped early' && tail -n 9 "$work.console"; } >>"$report"
}

# Prints a row of the table.
row() { printf '%-18s%-18s%-10s%-13s%-14s%-5s%-9s%-15s%s\n' "$@"; }

# value NAME CELL: prints what measure found for the cell.
value() { sed -n "s/^@$2 //p" "$folder/$1.report"; }

if [ "${1-}" = start ]; then
    start "$2"
    exit
fi
mkdir -p "$folder" && rm -f "$folder"/*.report
for suite in bullseye bookworm trixie trixie-backports; do
    fetch $suite $suite amd64 linux-image-cloud-amd64
done
fetch s390x bookworm s390x linux-image-s390x && build_s390x
rm -rf "$folder/apt" "$folder/package"
for name in $names; do
    [ -e "$folder/$name.report" ] || echo "$name"
done | xargs -n 1 -P "$(nproc)" sh tests/kernels.sh start

status=0
row kernel release rules 'rules --all' --sequences abi restart explain 'C == Rust'
for name in $names; do
    if [ "$(value "$name" untried)" ]; then
        echo "$name: not tried: $(value "$name" untried)"
        continue
    fi
    row "$name" "$(value "$name" release)" "$(value "$name" rules)" "$(value "$name" all)" \
        "$(value "$name" sequences)" "$(value "$name" abi)" "$(value "$name" restart)" \
        "$(value "$name" explain)" "$(value "$name" same)"
done
for name in $names; do
    value "$name" change | sed "s/^/$name /"
done
for name in $names; do
    grep -qv '^@' "$folder/$name.report" || continue
    echo && echo "$name:" && grep -v '^@' "$folder/$name.report"
    status=1
done
exit $status
