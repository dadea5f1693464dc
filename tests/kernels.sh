#!/bin/sh
# Prints the reports of compare on this kernel and on a second one as one diff, and checks both. The
# second one is Debian's user-mode-linux, a kernel that runs as a process and has this machine's root
# file system; this script is its init as well.
# COMPARE=PATH is the program of make compare; KERNEL=PATH, another user-mode kernel.
set -u
report() {
    "$COMPARE" >"$1" 2>&1 </dev/null
    echo "exit status $?" >>"$1"
}

if [ $$ = 1 ] && [ "${REPORT:-}" ]; then
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    mount -t proc proc /proc
    ip link set lo up
    report "$REPORT"
    echo o >/proc/sysrq-trigger
    sleep 60
fi

cd "$(dirname "$0")/.." || exit
folder=$PWD/target/kernels
mkdir -p "$folder" && rm -f "$folder/other"
report "$folder/this"
# The kernel passes parameters that it does not know to init, as its environment.
timeout --foreground 300 "${KERNEL:-linux.uml}" root=/dev/root rootfstype=hostfs rootflags=/ rw \
    mem=512M con=null con0=null,fd:1 quiet "uml_dir=$folder/" "init=$PWD/tests/kernels.sh" \
    "COMPARE=$COMPARE" "REPORT=$folder/other" </dev/null >/dev/null 2>&1
diff --unified=1000 --label=this --label=other "$folder/this" "$folder/other"

status=0
for kernel in this other; do
    release=$(sed -n '1s/.* Linux //p' "$folder/$kernel")
    # Before 6.8, a port whose sockets all had the option at their bind was not checked again, even if
    # the option had been cleared since.
    cells='0 contradict'
    [ "$(printf '%s\n' 6.8 "$release" | sort -V | head -n 1)" = 6.8 ] || cells='1 contradicts'
    for end in " cells; $cells the rule." ' rows; 0 contradict the rule.' ' results: 0' 'status 0'; do
        grep -qs "$end\$" "$folder/$kernel" && continue
        echo "$kernel kernel: no line ends with: $end"
        status=1
    done
done
exit $status
