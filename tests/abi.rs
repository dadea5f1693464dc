//! `abi`: constants, types and bytes, and the results of calls with right and wrong arguments.

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod whole;

use crate::support::*;
use assert_cmd::assert::{Assert, OutputAssertExt};
use predicates::str::{contains, ends_with};

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
    let killed = "fork: the child process was killed";
    let unshare = Some("unshare: Operation not permitted");
    // If the network cannot be unshared alone, it can with a user namespace, where that is allowed.
    let mut both = Command::new(tool("unshare", "util-linux"));
    let both = both.args(["--user", "--net", "true"]).output().unwrap();
    let second = if both.status.success() {
        network().failed.as_deref()
    } else {
        unshare
    };
    for (injection, failed) in [
        ("unshare:error=EPERM", unshare),
        ("unshare:error=EPERM:when=1", second),
        ("ioctl:error=EPERM", Some(lo)),
        ("clone:error=ENOMEM", Some("fork: Cannot allocate memory")),
        ("unshare:signal=KILL", Some(killed)),
    ] {
        let outcome = both_under(&injecting(&[injection]), &["abi"]);
        outcome.code(0).stdout(abi()).stderr(note(failed));
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

/// Runs `abi` in `build`. strace injects `error` into calls n - `first` to n - `last` of its n calls of `call`.
fn failing(build: &Build, call: &str, error: &str, first: usize, last: usize) -> Assert {
    let file = scratch(format!("{call}.calls"));
    let mut strace = strace(&format!("-e trace={call}"), &file);
    strace.arg(&build.path).arg("abi").output().unwrap();
    let trace = take_file(&file).unwrap();
    let start = format!("{call}(");
    let calls = trace.lines().filter(|line| line.starts_with(&start));
    let (first, last) = (calls.clone().count() - first, calls.count() - last);
    let injection = format!("{call}:error={error}:when={first}..{last}");
    run_under(&injecting(&[&injection]), build, &["abi"]).assert()
}

#[test]
fn the_results_of_read_and_close_count_as_well() {
    for build in builds() {
        let sum = || ends_with("\nunexpected results: 3\n");
        let reads = failing(build, "read", "EXDEV", 2, 0);
        reads.code(1).stdout(sum());
        // The last two close sockets whose results are not printed.
        let closes = failing(build, "close", "EXDEV", 4, 2);
        closes.code(1).stdout(sum());
    }
}

#[test]
fn abi_exits_if_a_call_outside_the_table_fails() {
    for (injection, line) in [
        ("getsockopt:error=EBADF:when=7", "getsockopt SO_REUSEADDR"),
        ("socket:error=EBADF:when=2", "socket for the calls of abi"),
        ("getsockname:error=EBADF:when=1", "getsockname TCP socket"),
    ] {
        let outcome = both_under(&injecting(&[injection]), &["abi"]).code(1);
        let line = format!("reuseaddr: {line}: Bad file descriptor\n");
        outcome.stderr(ends_with(line));
    }
    let no_file = injecting_for(&["/dev/null"], "openat:error=ENOENT");
    let line = "reuseaddr: open /dev/null: No such file or directory\n";
    both_under(&no_file, &["abi"])
        .code(1)
        .stderr(ends_with(line));
    let line = "reuseaddr: mmap PROT_NONE page: Cannot allocate memory\n";
    for build in builds() {
        let last = failing(build, "mmap", "ENOMEM", 0, 0);
        last.code(1).stderr(ends_with(line));
    }
}
