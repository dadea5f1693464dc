#!/bin/sh
# Runs the C build under AddressSanitizer and UndefinedBehaviorSanitizer. make test runs both builds
# under valgrind. make sanitize installs what this needs.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS
folder=$PWD/target/sanitize
rm -f target/sanitize/found.*
# UBSan has no log file here. With traps, a finding raises SIGILL, which ASan reports.
make --silent c LINK=dynamic C_PROGRAM=target/sanitize/reuseaddr CFLAGS="-O1 -g \
    -fno-omit-frame-pointer -fsanitize=address,undefined -fsanitize-undefined-trap-on-error"
# Findings are printed at the end, and also when a test fails.
print_findings() { cat "$folder"/found.* 2>/dev/null | grep -E '^(==| +#)'; }
trap 'print_findings || :' EXIT
# R2 sends SIGSEGV, which has to kill the server.
export ASAN_OPTIONS="handle_segv=0:handle_sigill=1:log_path='$folder/found.asan'"
export C_BUILD="$folder/reuseaddr"
for arguments in rules 'rules --all' abi; do
    # shellcheck disable=SC2086 # two arguments
    "$C_BUILD" $arguments >/dev/null
done
# The search for leaks needs ptrace(2), which strace uses in what follows.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
cargo test --release --test compare
cargo test --release --test suite -- usage:: security:: load::
# With another effective user id, a process cannot read its own environ, where ASan finds its options.
cargo test --release --test explain -- --skip without_root_the_holder
if print_findings >/dev/null; then
    exit 1
fi
echo 'sanitize: nothing found'
