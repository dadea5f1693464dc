//! `abi`: constants, types and bytes, and the results of calls with right and wrong arguments.

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod whole;

use crate::support::*;
use assert_cmd::assert::OutputAssertExt;
use predicates::str::{contains, ends_with};
use std::fs;

/// The note on stderr if the private network has `failed`.
fn note(failed: Option<&str>) -> String {
    let note = |call| format!("reuseaddr: {call}; using the current network\n");
    failed.map_or(String::new(), note)
}

/// Runs `abi` in both builds, which succeed. Returns what it prints.
fn abi() -> String {
    let outcome = both(&["abi"]).code(0);
    let outcome = outcome.stderr(note(network().failed.as_deref()));
    String::from_utf8_lossy(&outcome.get_output().stdout).into()
}

#[test]
fn an_address_and_the_option_look_as_the_kernel_reads_and_writes_them() {
    let abi = abi();
    for wanted in [
        "sockaddr_in             size 16, alignment 4\n  sin_family            offset 0\n  \
         sin_port              offset 2\n  sin_addr              offset 4\n",
        "\n02 00 23 8b c0 a8 00 01 00 00 00 00 00 00 00 00\n",
        "\n-1                      1\n",
        "\n3                       3, 01 00 00 ee ee ee ee ee\n",
        "\n8                       4, 01 00 00 00 ee ee ee ee\n",
    ] {
        assert!(abi.contains(wanted), "{wanted:?} is missing");
    }
    assert_eq!(abi.lines().find(|line| line.len() > 80), None);
}

#[test]
fn an_unexpected_result_is_marked_and_makes_the_exit_status_1() {
    let row = "shutdown    not connected                           EBADF! expected: ENOTCONN\n";
    let injecting = injecting(&["shutdown:error=EBADF:when=1"]);
    let outcome = both_under(&injecting, &["abi"]).code(1);
    let sum = ends_with("\nunexpected results: 1\n");
    outcome.stdout(contains(row)).stdout(sum);
}

#[test]
fn without_a_private_network_it_uses_the_current_one_and_prints_the_same() {
    let lo = "ioctl SIOCSIFFLAGS lo: Operation not permitted";
    // Where unshare fails, no ioctl follows.
    let lo = network().failed.as_deref().unwrap_or(lo);
    for (injection, failed) in [
        ("unshare:error=EPERM", "unshare: Operation not permitted"),
        ("ioctl:error=EPERM", lo),
        ("clone:error=ENOMEM", "fork: Cannot allocate memory"),
    ] {
        let outcome = both_under(&injecting(&[injection]), &["abi"]);
        outcome.code(0).stdout(abi()).stderr(note(Some(failed)));
    }
}

/// All calls fail but read, write and close, which are also called to load the program and to print.
#[test]
fn every_unexpected_result_counts() {
    let calls = "unshare|socket:when=5..10|setsockopt:when=7+|getsockopt:when=16+|bind|listen:when=2+|connect|accept|\
        shutdown|getsockname:when=2+|wait4";
    let injections = calls.replace('|', ":error=EXDEV|") + ":error=EXDEV";
    let injections: Vec<&str> = injections.split('|').collect();
    let outcome = both_under(&injecting(&injections), &["abi"]).code(1);
    let rows = "\
listen      already listening, backlog -1           another errno! expected: OK
connect     descriptor -1                           another errno! expected: EBADF
";
    let sum = ends_with("\nunexpected results: 74\n");
    outcome.stdout(contains(rows)).stdout(sum);
}

/// In both builds, the last calls of read and close are those whose results are printed, but for two of close.
#[test]
fn the_results_of_read_and_close_count_as_well() {
    for build in builds() {
        let file = scratch("abi.calls");
        let mut strace = strace("-e trace=read,close", &file);
        strace.arg(&build.path).arg("abi").output().unwrap();
        let calls = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for (call, after) in [("read", 0), ("close", 2)] {
            let start = format!("{call}(");
            let last = calls
                .lines()
                .filter(|line| line.starts_with(&start))
                .count()
                - after;
            let three = format!("{call}:error=EXDEV:when={}..{last}", last - 2);
            let outcome = run_under(&injecting(&[&three]), build, &["abi"]).assert();
            outcome
                .code(1)
                .stdout(ends_with("\nunexpected results: 3\n"));
        }
    }
}

#[test]
fn a_call_that_is_not_in_the_table_ends_it_if_it_fails() {
    for (injection, line) in [
        ("getsockopt:error=EBADF:when=7", "getsockopt SO_REUSEADDR"),
        ("socket:error=EBADF:when=2", "socket for the calls of abi"),
        ("getsockname:error=EBADF:when=1", "getsockname TCP socket"),
    ] {
        let outcome = both_under(&injecting(&[injection]), &["abi"]).code(1);
        outcome.stderr(ends_with(format!(
            "reuseaddr: {line}: Bad file descriptor\n"
        )));
    }
}
