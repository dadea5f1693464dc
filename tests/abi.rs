//! The argument layout, and what calls answer to right and wrong arguments.

use crate::support::{DEADLINE, builds, tool};
use assert_cmd::Command;
use predicates::str::contains;

/// What `abi` prints in a build, which ends well and in silence.
fn abi(build: usize) -> String {
    let mut command = Command::new(&builds()[build].path);
    let assert = command.arg("abi").timeout(DEADLINE).assert();
    let output = assert.code(0).stderr("").get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn both_builds_print_the_same_bytes_within_80_columns() {
    assert_eq!(abi(0), abi(1));
    assert_eq!(abi(0).lines().find(|line| line.len() > 80), None);
}

#[test]
fn an_address_and_the_option_look_as_the_kernel_reads_and_writes_them() {
    let abi = abi(0);
    for wanted in [
        "sockaddr_in             size 16, alignment 4\n  sin_family            offset 0\n  \
         sin_port              offset 2\n  sin_addr              offset 4\n",
        "02 00 23 8b c0 a8 00 01 00 00 00 00 00 00 00 00\n",
        "\n-1                      1\n",
        "length 3               length 3, bytes 01 00 00 ee",
        "length 8               length 4, bytes 01 00 00 00 ee",
    ] {
        assert!(abi.contains(wanted), "{wanted:?} is not in it");
    }
}

#[test]
fn at_least_60_calls_are_tried_and_answered_as_expected() {
    let abi = abi(0);
    let (_, calls) = abi
        .split_once("5. Calls, and what they answer\n\n")
        .unwrap();
    let (calls, _) = calls.split_once("\n\n").unwrap();
    assert!(calls.lines().count() >= 60, "{}", calls.lines().count());
    assert!(!calls.contains('!'), "{calls}");
}

#[test]
fn another_answer_than_expected_is_marked_and_the_status_says_so() {
    for build in builds() {
        Command::new(tool("strace", "strace"))
            .args([
                "-o",
                "/dev/null",
                "-e",
                "inject=shutdown:error=EBADF:when=1",
            ])
            .arg(&build.path)
            .arg("abi")
            .timeout(DEADLINE)
            .assert()
            .code(1)
            .stdout(contains(
                "shutdown    not connected                           EBADF! expected: ENOTCONN\n",
            ));
    }
}

#[test]
fn without_a_namespace_it_says_so_and_prints_the_same() {
    for build in builds() {
        Command::new(tool("strace", "strace"))
            .args(["-o", "/dev/null", "-e", "inject=unshare:error=EPERM"])
            .arg(&build.path)
            .arg("abi")
            .timeout(DEADLINE)
            .assert()
            .code(0)
            .stdout(abi(0))
            .stderr("reuseaddr: using this network, as unshare fails: Operation not permitted\n");
    }
}
