#!/bin/sh
# Puts each bug of mutants.txt into a copy of the sources, and runs the tests there until one fails.
# A line of the table is "FILE: OLD ~> NEW", "each/NAME: OLD ~> NEW ~~ OLD ~> NEW" for a bug in C and
# another in Rust, or both/NAME for one bug in both; the second part is left out if it is the same.
# ONLY=TEXT selects the bugs whose lines contain TEXT. Bugs that were detected are not tried again.
set -eu
cd "$(dirname "$0")/.."
table=tests/mutants.txt
copy=$PWD/target/mutants/copy
results=$PWD/target/mutants/results.txt
log=$PWD/target/mutants/log
fail() { echo "mutants: $*" >&2 && exit 1; }

# edit FILE OLD NEW: prints FILE with NEW instead of OLD. Fails if OLD does not occur exactly once.
edit() {
    OLD=$2 NEW=$3 perl -0777 -pe '$found = s/\Q$ENV{OLD}\E/$ENV{NEW}/g; END { $? = $found != 1 }' "$1"
}

# insert LINE [FOLDER]: writes the files of the mutant below FOLDER.
insert() {
    name=${1%%: *} edits=${1#*: } files=${1%%: *}
    case $name in both/*) files="c-reference/${name#both/}.c src/${name#both/}.rs" ;; esac
    for file in $files; do
        case $file in *.c) edit=${edits%% ~~ *} ;; *) edit=${edits#* ~~ } ;; esac
        new=${edit#* ~>}
        edit "$file" "${edit%% ~>*}" "${new# }" >"${2:-/dev/null}${2:+/$file}" ||
            fail "$table: must occur exactly once in $file: ${edit%% ~>*}"
    done
}

build() {
    (cd "$copy" && cargo build --quiet --bin reuseaddr &&
        make --silent c LINK=dynamic C_PROGRAM=target/c-reference/dynamic/reuseaddr) >"$log" 2>&1
}

# Kills leftover test processes, found by their environment variable MUTANTS_RUN.
kill_rest() {
    grep -lszx "MUTANTS_RUN=$$" /proc/[0-9]*/environ | cut -d/ -f3 | xargs -r kill -9 2>"$log.kill"
}
trap 'kill_rest || :; fail interrupted' INT TERM HUP

# run TARGET [ARGUMENT]...: runs tests in a process group of their own.
run() {
    # shellcheck disable=SC2012 # cargo chose the names
    program=$(ls -t "$copy/target/debug/deps/$1"-???????????????? | head -n 1)
    shift
    : >"$log"
    MUTANTS_RUN=$$ timeout -k 5 400 "$program" "$@" </dev/null >"$log" 2>&1 &
    status=0
    while kill -0 $! 2>/dev/null; do
        [ -z "$(failed_tests)" ] || kill_rest || : # one failure is enough
        sleep 0.2
    done
    wait $! || status=$?
    kill_rest || :
    return $status
}

failed_tests() { sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log"; }

# passes TARGET [ARGUMENT]...: runs tests. A test that fails is run once more, as a loaded machine
# can make it fail. If it fails again, sets verdict. Otherwise all of them are run again, twice at most.
passes() {
    for _ in 1 2 3; do
        verdict=survived
        ! run "$@" || return 0
        [ "$status" -ne 124 ] || break
        failed=$(failed_tests)
        # shellcheck disable=SC2086 # one argument for each test
        run "$1" ${failed:+--exact $failed} || break
    done
    verdict="killed by $1 $(failed_tests | head -n 1)"
    [ "$status" -ne 124 ] || verdict="timeout in $1"
    return 1
}

# try NAME: runs all tests, starting with those most likely to detect a bug in NAME.
try() {
    rest='--skip faults:: --skip load:: --skip security::'
    case $1 in
    */explain*) first=explain ;;
    */abi*) first='suite abi::' ;;
    */main* | */address* | */output*) first='suite usage:: abi:: rules::' rest= ;;
    */serve* | */accept_error* | baseline) first='suite faults:: security:: trace::' rest= ;;
    *) first='suite rules::' ;;
    esac
    # shellcheck disable=SC2086 # several arguments
    passes $first && passes suite readme:: study:: usage:: && passes explain && passes compare &&
        passes suite $rest
}

mkdir -p "$copy"
sed 's|^each/\([^:]*\): \(.*\) ~~ \(.*\)|c-reference/\1.c: \2\nsrc/\1.rs: \3|
    s|^each/\([^:]*\): \(.*\)|c-reference/\1.c: \2\nsrc/\1.rs: \2|' $table |
    grep -F -- "${ONLY:-: }" >target/mutants/selected ||
    fail "no line of $table contains ${ONLY:-: }"
while IFS= read -r line; do insert "$line"; done <target/mutants/selected

find . \( -path ./target -o -path ./.git \) -prune -o -type f -print | sort >target/mutants/files
while read -r file; do
    mkdir -p "$copy/${file%/*}"
    cmp -s "$file" "$copy/$file" || cp "$file" "$copy/$file"
done <target/mutants/files
export CARGO_TARGET_DIR="$copy/target" CFLAGS=-O0 MAKEFLAGS=
touch "$results"
grep -E '^(killed|timeout|passed)' "$results" >"$log" || :
cat "$log" >"$results"

(cd "$copy" && cargo build --quiet --tests) || fail 'the tests cannot be built'
build || fail "$(cat "$log")"
state=$(grep -v mutants target/mutants/files | xargs cksum | cksum)
if ! grep -qF "passed	$state" "$results"; then
    echo "unmodified sources: running all tests"
    try baseline || fail "without a bug: $verdict: $(tail -n 30 "$log")"
    echo "passed	$state" >>"$results"
fi

while IFS= read -r line; do
    ! cut -f 2- "$results" | grep -qxF -- "$line" || continue
    insert "$line" "$copy"
    verdict='not compiled'
    ! build || try "$name" || :
    for file in $files; do cp "$file" "$copy/$file"; done
    printf '%s\t%s\n' "$verdict" "$line" | tee -a "$results"
done <target/mutants/selected

awk -F '\t' '
    NR == FNR { verdict[$2] = $1; next }
    { name = /^both/ ? "both" : $0
      sub(/\/[^\/]*: .*/, "", name)
      total[name]++
      failed += verdict[$0] == "not compiled"
      if (verdict[$0] ~ /^(killed|timeout)/)
          killed[name]++
      else
          rest = rest "\n" verdict[$0] ": " $0 }
    END {
        if (rest)
            print "\nNot killed:" rest
        print ""
        for (name in total) {
            printf "%-20s%3d of %3d killed\n", name, killed[name], total[name]
            failed += killed[name] < total[name] * (name == "both" ? 0.8 : 0.9)
        }
        exit failed > 0
    }' "$results" target/mutants/selected
