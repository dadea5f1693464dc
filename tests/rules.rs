//! `rules`: the tables, the rows of `--all`, and runs without a namespace, IPv6 or free ports.

mod expected;
mod faults;

use crate::support::{
    both, both_under, builds, has_ipv6, injecting, is_before_6_8, release, run_under,
};
use assert_cmd::assert::{Assert, OutputAssertExt};
use predicates::str::{ends_with, starts_with};
use std::collections::HashSet;
use std::thread;

const HEADER: &str = "state,present,present_reuseaddr,present_reuseport,newcomer,\
    newcomer_reuseaddr,newcomer_reuseport,bind,listen,predicted_bind,predicted_listen";

/// The first table: both sockets on one address.
const SCENARIOS: &str = "\
existing          off / off    off / on     on / off     on / on
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

/// The third table: the option of the existing socket changes. `cleared` is the result if it is cleared after bind.
fn changes(cleared: &str) -> String {
    format!(
        "
set after bind                                        OK
cleared after bind                                    {cleared}
set on the listener before the client connects        OK
set on the listener after the client connects         EADDRINUSE
set on the accepted socket                            OK
cleared on the accepted socket                        EADDRINUSE

Two sockets are bound with the option. Result of listen(2) by the second:

while the first listens                               listen: EADDRINUSE
after the first is closed                             OK
"
    )
}

/// The note on stderr without IPv6.
const NO_IPV6: &str = "reuseaddr: ::1: Address family not supported by protocol; \
    rows with IPv6 are left out\n";

/// The number of cells, the number of rows of `--all`, and the notes on stderr.
fn expected(ipv6: bool) -> (usize, usize, &'static str) {
    if ipv6 {
        (136, 11264, "")
    } else {
        (72, 1584, NO_IPV6)
    }
}

/// Compares `outcome` with the tables that are expected.
fn are_the_tables(outcome: Assert, ipv6: bool) {
    let (cells, _, note) = expected(ipv6);
    // "cleared after bind": the shortcut that the head of conflict.rs describes.
    let (status, sum, cleared) = if is_before_6_8(&release()) {
        (1, "1 contradicts", "listen: EADDRINUSE!")
    } else {
        (0, "0 contradict", "EADDRINUSE")
    };
    let tables = expected::tables(ipv6, cleared);
    let outcome = outcome.code(status).stderr(note);
    outcome.stdout(format!("{tables}\n{cells} cells; {sum} the rule.\n"));
}

#[test]
fn the_tables_are_as_expected_within_80_columns() {
    let outcome = both(&["rules"]);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    assert_eq!(text.lines().find(|line| line.len() > 80), None);
    drop(text);
    are_the_tables(outcome, has_ipv6());
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    let (_, rows_expected, note) = expected(has_ipv6());
    let sum = format!("{note}{rows_expected} rows; 0 contradict the rule.\n");
    let outcome = both(&["rules", "--all"]).code(0).stderr(sum);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    let (header, rows) = text.split_once('\n').unwrap();
    assert_eq!(header, HEADER);
    let mut combinations = HashSet::new();
    for row in rows.lines() {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields.len(), 11, "{row}");
        assert_eq!(fields[7..9], fields[9..11], "{row}");
        assert_eq!(fields[7] != "OK", expected::conflicts(&fields), "{row}");
        let results = [["OK", "OK"], ["EADDRINUSE", "-"]];
        assert!(results.contains(&[fields[7], fields[8]]), "{row}");
        assert!(combinations.insert(fields[..7].join(",")), "{row} twice");
    }
    assert_eq!(combinations.len(), rows_expected);
}

#[test]
fn without_a_namespace_two_runs_at_once_on_one_network_give_the_same_rows() {
    let outcome = both(&["rules", "--all"]);
    let (_, rows, note) = expected(has_ipv6());
    let notes = format!(
        "reuseaddr: unshare: Operation not permitted; \
         using free ports 10000 to 32767 of the current network\n\
         {note}{rows} rows; 0 contradict the rule.\n"
    );
    let forbidden = injecting(&["unshare:error=EPERM"]);
    thread::scope(|scope| {
        for build in builds() {
            scope.spawn(|| {
                let output = run_under(&forbidden, build, &["rules", "--all"]);
                let stdout = outcome.get_output().stdout.clone();
                output.assert().code(0).stdout(stdout).stderr(notes.clone());
            });
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_with_a_note() {
    // The first socket is for lo, the second asks for ::1.
    let no_ipv6 = injecting(&["socket:error=EAFNOSUPPORT:when=2"]);
    are_the_tables(both_under(&no_ipv6, &["rules"]), false);
    let outcome = both_under(&no_ipv6, &["rules", "--all"]).code(0);
    let sum = format!("{NO_IPV6}1584 rows; 0 contradict the rule.\n");
    outcome.stdout(starts_with(HEADER)).stderr(sum);
}

#[test]
fn a_bind_that_fails_with_another_error_ends_the_search_for_a_port() {
    // The first bind(2) is on ::1, or fails because there is no IPv6.
    let forbidden = injecting(&["unshare:error=EPERM", "bind:error=EACCES:when=2+"]);
    let last = "reuseaddr: bind a free port: Permission denied\n";
    let outcome = both_under(&forbidden, &["rules"]).code(1);
    outcome.stderr(ends_with(last));
}

#[test]
fn without_a_free_port_the_search_ends_after_one_round() {
    let in_use = injecting(&["bind:error=EADDRINUSE:when=2+"]);
    let last = "reuseaddr: bind every port from 10000 to 32767: Address already in use\n";
    let outcome = both_under(&in_use, &["rules"]).code(1);
    outcome.stderr(ends_with(last));
}
