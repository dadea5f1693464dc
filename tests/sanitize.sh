#!/bin/sh
# Runs the C build under AddressSanitizer and UndefinedBehaviorSanitizer, and both builds under
# valgrind. make sanitize installs what this needs.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS
folder=$PWD/target/sanitize
rm -f target/sanitize/found.*
# UBSan has no log file here. With traps, a finding raises SIGILL, which ASan reports.
make --silent c LINK=dynamic C_PROGRAM=target/sanitize/plain/reuseaddr
make --silent c LINK=dynamic C_PROGRAM=target/sanitize/asan/reuseaddr CFLAGS="-O1 -g \
    -fno-omit-frame-pointer -fsanitize=address,undefined -fsanitize-undefined-trap-on-error"
cargo build --release

# under_valgrind NAME PROGRAM: makes a script NAME that runs PROGRAM.
under_valgrind() {
    cat >"$folder/$1" <<END
#!/bin/sh
exec valgrind --quiet --vgdb=no --error-exitcode=9 --log-file="$folder/found.valgrind.%p" "$2" "\$@"
END
    chmod +x "$folder/$1"
}
under_valgrind c-valgrind "$folder/plain/reuseaddr"
under_valgrind rust-valgrind "$PWD/target/release/reuseaddr"
# Findings are printed at the end, and also when a test fails. The logs have other lines too: a
# server whose stdout is closed may print into valgrind's log.
print_findings() {
    cat "$folder"/found.* 2>/dev/null | grep -E '^(==| +#)'
}
trap 'print_findings || :' EXIT
# R2 sends SIGSEGV, which has to kill the server.
export ASAN_OPTIONS="handle_segv=0:handle_sigill=1:log_path='$folder/found.asan'"
for arguments in rules 'rules --all' abi; do
    # shellcheck disable=SC2086 # two arguments
    "$folder/asan/reuseaddr" $arguments >/dev/null
done
# The search for leaks needs ptrace(2), which strace uses in what follows.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
for build in asan/reuseaddr c-valgrind rust-valgrind; do
    WITH=$folder/$build cargo test --release --test compare
done
C_BUILD=$folder/asan/reuseaddr cargo test --release --test suite -- \
    usage:: security:: load::
# With another effective user id, a process cannot read its own environ, where ASan finds its options.
C_BUILD=$folder/asan/reuseaddr cargo test --release --test explain -- --skip without_root_the_holder
C_BUILD=$folder/c-valgrind RUST_BUILD=$folder/rust-valgrind cargo test --release --test suite -- \
    usable_stdout load:: --skip thousand
cargo test --release --test suite -- memory::
if print_findings >/dev/null; then
    exit 1
fi
echo 'sanitize: nothing found'
