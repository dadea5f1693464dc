//! The rule and the kernel: the tables, the cross product, and wherever they may be run.

mod support;

use assert_cmd::Command;
use predicates::str::{contains, ends_with, starts_with};
use std::collections::HashSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Output;
use std::thread;
use support::{Build, DEADLINE, builds, tool};

const HEADER: &str = "state,present,present_reuseaddr,present_reuseport,newcomer,\
    newcomer_reuseaddr,newcomer_reuseport,bind,listen,predicted_bind,predicted_listen";

/// The page's case, with TIME_WAIT, and what time does.
const PAGE: &str = "\
holder            off / off    off / on     on / off     on / on
BOUND             EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
LISTEN            EADDRINUSE   EADDRINUSE   EADDRINUSE   EADDRINUSE
ESTABLISHED       EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLIENT            EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
FIN_WAIT1         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
FIN_WAIT2         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLOSE_WAIT        EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
CLOSING           EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
LAST_ACK          EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
TIME_WAIT         EADDRINUSE   EADDRINUSE   EADDRINUSE   OK
PASSIVE_CLOSED    OK           OK           OK           OK
";
const TIME: &str = "
set after bind                                        OK
taken back after bind                                 EADDRINUSE
set on the listener, then the client connects         OK
set on the listener once the client is connected      EADDRINUSE
set by the child on its own socket                    OK
taken back by the child on its own socket             EADDRINUSE

Both are bound with it, the first listens: the second listen: EADDRINUSE
Then the first is closed: the second                  OK
";

/// Runs `build` with `words` under strace, which makes calls fail as `injections` say.
fn strace(build: &Build, injections: &[&str], words: &[&str]) -> Command {
    let mut command = Command::new(tool("strace", "strace"));
    command.args(["-f", "--seccomp-bpf", "-o", "/dev/null"]);
    for injection in injections {
        let call = injection.split(':').next().unwrap();
        command.args(["-e", &format!("trace={call}"), "-e"]);
        command.arg(format!("inject={injection}"));
    }
    command.arg(&build.path).args(words).timeout(DEADLINE * 3);
    command
}

fn run(build: &Build, words: &[&str]) -> Output {
    let mut command = Command::new(&build.path);
    command.args(words).timeout(DEADLINE * 3).unwrap()
}

#[test]
fn the_tables_say_what_the_page_and_time_do() {
    for build in builds() {
        Command::new(&build.path)
            .arg("rules")
            .timeout(DEADLINE)
            .assert()
            .code(0)
            .stdout(contains(PAGE))
            .stdout(contains(TIME))
            .stdout(contains("\n136 cells, 0 contradict the rule\n"))
            .stderr("");
    }
}

#[test]
fn the_tables_fit_80_columns() {
    let output = run(&builds()[0], &["rules"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().find(|line| line.len() > 80), None);
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    let [c, rust] = [0, 1].map(|build| run(&builds()[build], &["rules", "--all"]));
    assert!(c.stdout == rust.stdout, "the builds print other bytes");
    assert_eq!(c.stderr, b"11264 rows, 0 contradict the rule\n");
    assert_eq!(rust.stderr, c.stderr);

    let text = String::from_utf8(c.stdout).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    assert_eq!(header, HEADER);
    let mut combinations = HashSet::new();
    for row in rows.lines() {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), 11, "{row}");
        assert_eq!(fields[7..9], fields[9..11], "{row}");
        assert!(
            ["OK,OK", "EADDRINUSE,-"].contains(&&*fields[7..9].join(",")),
            "{row}"
        );
        assert!(combinations.insert(fields[..7].join(",")), "{row} twice");
    }
    assert_eq!(combinations.len(), 11264);
}

#[test]
fn without_a_namespace_the_machine_s_own_ports_give_the_same_even_twice_at_once() {
    let ours = run(&builds()[0], &["rules", "--all"]).stdout;
    thread::scope(|scope| {
        for build in builds() {
            let ours = &ours;
            scope.spawn(move || {
                let output = strace(build, &["unshare:error=EPERM"], &["rules", "--all"]).unwrap();
                assert_eq!(
                    String::from_utf8_lossy(&output.stderr),
                    "reuseaddr: unshare: Operation not permitted; \
                     using free ports of this network, 10000 to 32767\n\
                     11264 rows, 0 contradict the rule\n"
                );
                assert!(output.stdout == *ours, "{} prints other bytes", build.name);
            });
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_and_it_is_said() {
    for build in builds() {
        // The first socket is for lo, the second asks for ::1.
        let no_ipv6 = ["socket:error=EAFNOSUPPORT:when=2..3"];
        let said = "reuseaddr: ::1: Address family not supported by protocol; \
                    the rows with IPv6 are left out\n";
        strace(build, &no_ipv6, &["rules"])
            .assert()
            .code(0)
            .stdout(contains(PAGE))
            .stdout(contains("\n72 cells, 0 contradict the rule\n"))
            .stderr(said);
        strace(build, &no_ipv6, &["rules", "--all"])
            .assert()
            .code(0)
            .stdout(starts_with(HEADER))
            .stderr(format!("{said}1584 rows, 0 contradict the rule\n"));
    }
}

#[test]
fn a_bind_that_is_forbidden_ends_it_with_its_name() {
    for build in builds() {
        let forbidden = ["unshare:error=EPERM", "bind:error=EACCES:when=2+"];
        let last = "reuseaddr: bind AF_UNIX: Permission denied\n";
        let assert = strace(build, &forbidden, &["rules"]).assert();
        assert.code(1).stderr(ends_with(last));
    }
}

#[test]
fn a_stdout_that_is_full_closed_or_broken_is_an_error_with_its_reason() {
    for build in builds() {
        for words in [&["rules"][..], &["rules", "--all"]] {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let mut command = std::process::Command::new(&build.path);
            let output = command.args(words).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(
                String::from_utf8_lossy(&output.stderr),
                "reuseaddr: write standard output: No space left on device\n"
            );

            let (ours, theirs) = UnixStream::pair().unwrap();
            drop(theirs);
            let mut command = std::process::Command::new(&build.path);
            let output = command.args(words).stdout(OwnedFd::from(ours)).output();
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(
                String::from_utf8_lossy(&output.stderr),
                "reuseaddr: write standard output: Broken pipe\n"
            );

            Command::new("sh")
                .args(["-c", "exec \"$0\" \"$@\" >&-"])
                .arg(&build.path)
                .args(words)
                .timeout(DEADLINE)
                .assert()
                .code(1)
                .stderr("reuseaddr: write standard output: Bad file descriptor\n");
        }
    }
}
