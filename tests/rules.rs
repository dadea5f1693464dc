//! The rule and the kernel: the tables, the cross product, and wherever they may be run.

use crate::support::{Build, DEADLINE, builds, has_ipv6, is_before_6_8, release, tool};
use assert_cmd::Command;
use predicates::str::{contains, ends_with, starts_with};
use std::collections::HashSet;
use std::fs::File;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Output;
use std::thread;

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

/// What is said where there is no IPv6.
const NO_IPV6: &str = "reuseaddr: ::1: Address family not supported by protocol; \
    the rows with IPv6 are left out\n";

/// How many cells of the tables, and of these how many contradict the rule on this kernel; and how many
/// rows has the cross product, and what is said before.
fn expected(ipv6: bool) -> (usize, usize, usize, &'static str) {
    // "taken back after bind": the short cut that the head of conflict.rs names.
    let contradictions = usize::from(is_before_6_8(&release()));
    match ipv6 {
        true => (136, contradictions, 11264, ""),
        false => (72, contradictions, 1584, NO_IPV6),
    }
}

/// `build` prints the tables as they are expected, by `command`.
fn prints_tables(mut command: Command, ipv6: bool) {
    let (cells, contradictions, _, note) = expected(ipv6);
    let (mark, time) = match contradictions {
        0 => ("", TIME.to_string()),
        _ => {
            let row = "taken back after bind                                 ";
            let old = TIME.replace(
                &format!("{row}EADDRINUSE"),
                &format!("{row}listen: EADDRINUSE!"),
            );
            (" (!)", old)
        }
    };
    command
        .assert()
        .code(contradictions as i32)
        .stdout(contains(PAGE))
        .stdout(contains(time))
        .stdout(contains(format!(
            "\n{cells} cells, {contradictions} contradict the rule{mark}\n"
        )))
        .stderr(note);
}

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
        let mut command = Command::new(&build.path);
        command.arg("rules").timeout(DEADLINE);
        prints_tables(command, has_ipv6());
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
    let (_, _, rows_expected, note) = expected(has_ipv6());
    let sum = format!("{note}{rows_expected} rows, 0 contradict the rule\n");
    assert_eq!(String::from_utf8_lossy(&c.stderr), sum);
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
    assert_eq!(combinations.len(), rows_expected);
}

#[test]
fn without_a_namespace_the_machine_s_own_ports_give_the_same_even_twice_at_once() {
    let ours = run(&builds()[0], &["rules", "--all"]).stdout;
    let (_, _, rows, note) = expected(has_ipv6());
    let said = format!(
        "reuseaddr: unshare: Operation not permitted; \
         using free ports of this network, 10000 to 32767\n\
         {note}{rows} rows, 0 contradict the rule\n"
    );
    thread::scope(|scope| {
        for build in builds() {
            let (ours, said) = (&ours, &said);
            scope.spawn(move || {
                let output = strace(build, &["unshare:error=EPERM"], &["rules", "--all"]).unwrap();
                assert_eq!(String::from_utf8_lossy(&output.stderr), *said);
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
        prints_tables(strace(build, &no_ipv6, &["rules"]), false);
        strace(build, &no_ipv6, &["rules", "--all"])
            .assert()
            .code(0)
            .stdout(starts_with(HEADER))
            .stderr(format!("{NO_IPV6}1584 rows, 0 contradict the rule\n"));
    }
}

#[test]
fn a_bind_that_is_forbidden_ends_it_with_its_name() {
    for build in builds() {
        let forbidden = ["unshare:error=EPERM", "bind:error=EACCES:when=2+"];
        let last = match has_ipv6() {
            true => "reuseaddr: bind AF_UNIX: Permission denied\n",
            false => "reuseaddr: bind 0.0.0.0: Permission denied\n",
        };
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
            assert!(
                output
                    .stderr
                    .ends_with(b"write standard output: No space left on device\n")
            );

            let (broken, _peer) = UnixStream::pair().unwrap();
            broken.shutdown(Shutdown::Write).unwrap();
            let mut command = std::process::Command::new(&build.path);
            let output = command.args(words).stdout(OwnedFd::from(broken)).output();
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert!(
                output
                    .stderr
                    .ends_with(b"write standard output: Broken pipe\n")
            );

            Command::new("sh")
                .args(["-c", "exec \"$0\" \"$@\" >&-"])
                .arg(&build.path)
                .args(words)
                .timeout(DEADLINE)
                .assert()
                .code(1)
                .stderr(ends_with("write standard output: Bad file descriptor\n"));
        }
    }
}
