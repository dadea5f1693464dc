//! The argument layout, and what calls answer to right and wrong arguments.

use crate::support::{both, both_under, injecting};
use predicates::str::contains;

/// What `abi` prints in both builds, which end well and in silence.
fn abi() -> String {
    let outcome = both(&["abi"]).code(0).stderr("");
    String::from_utf8_lossy(&outcome.get_output().stdout).into()
}

#[test]
fn it_fits_80_columns() {
    assert_eq!(abi().lines().find(|line| line.len() > 80), None);
}

#[test]
fn an_address_and_the_option_look_as_the_kernel_reads_and_writes_them() {
    let abi = abi();
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
    let abi = abi();
    let (_, calls) = abi
        .split_once("5. Calls, and what they answer\n\n")
        .unwrap();
    let (calls, _) = calls.split_once("\n\n").unwrap();
    assert!(calls.lines().count() >= 60, "{}", calls.lines().count());
    assert!(!calls.contains('!'), "{calls}");
}

#[test]
fn another_answer_than_expected_is_marked_and_the_status_says_so() {
    let injecting = injecting(&["shutdown:error=EBADF:when=1"]);
    both_under(&injecting, &["abi"]).code(1).stdout(contains(
        "shutdown    not connected                           EBADF! expected: ENOTCONN\n",
    ));
}

#[test]
fn without_a_namespace_it_says_so_and_prints_the_same() {
    let note = "reuseaddr: using this network, as unshare fails: Operation not permitted\n";
    let outcome = both_under(&injecting(&["unshare:error=EPERM"]), &["abi"]);
    outcome.code(0).stdout(abi()).stderr(note);
}
