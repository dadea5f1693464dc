//! `rules`: the tables, the rows of `--all`, and runs without a private network, IPv6 or free ports.

mod expected;
mod faults;

use crate::support::*;
use assert_cmd::assert::{Assert, OutputAssertExt};
use errno::Errno;
use predicates::str::ends_with;
use std::collections::HashSet;
use std::thread;

const HEADER: &str = "state,present,present_reuseaddr,present_reuseport,newcomer,\
    newcomer_reuseaddr,newcomer_reuseport,bind,listen,predicted_bind,predicted_listen";

/// The number of cells, and of rows of `--all`.
fn counts(no_ipv6: Option<Errno>) -> [usize; 2] {
    match no_ipv6 {
        None => [136, 11264],
        Some(_) => [72, 1584],
    }
}

/// The notes on stderr if a private network has `failed`, and if ::1 cannot be bound.
fn notes(failed: Option<&str>, no_ipv6: Option<Errno>) -> String {
    let ports = "using free ports 10000 to 32767 of the current network";
    let failed = failed.map(|call| format!("reuseaddr: {call}; {ports}\n"));
    let left_out = |reason| format!("reuseaddr: ::1: {reason}; rows with IPv6 are left out\n");
    failed.into_iter().chain(no_ipv6.map(left_out)).collect()
}

/// Compares `outcome` with the tables that are expected.
fn are_the_tables(outcome: Assert, failed: Option<&str>, no_ipv6: Option<Errno>) {
    let [cells, _] = counts(no_ipv6);
    // "cleared after bind": the shortcut that the head of conflict.rs describes.
    let (status, sum, cleared) = if is_before_6_8(&release()) {
        (1, "1 contradicts", "listen: EADDRINUSE!")
    } else {
        (0, "0 contradict", "EADDRINUSE")
    };
    let tables = expected::tables(no_ipv6.is_none(), cleared);
    let outcome = outcome.code(status).stderr(notes(failed, no_ipv6));
    outcome.stdout(format!("{tables}\n{cells} cells; {sum} the rule.\n"));
}

/// Checks that `outcome` has every combination once, and no contradiction.
fn is_the_cross_product(outcome: Assert, failed: Option<&str>, no_ipv6: Option<Errno>) {
    let [_, expected] = counts(no_ipv6);
    let notes = notes(failed, no_ipv6);
    let sum = format!("{notes}{expected} rows; 0 contradict the rule.\n");
    let outcome = outcome.code(0).stderr(sum);
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
    assert_eq!(combinations.len(), expected);
}

#[test]
fn the_tables_are_as_expected_within_80_columns() {
    let outcome = both(&["rules"]);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    assert_eq!(text.lines().find(|line| line.len() > 80), None);
    drop(text);
    let Network { failed, no_ipv6 } = network();
    are_the_tables(outcome, failed.as_deref(), *no_ipv6);
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    let Network { failed, no_ipv6 } = network();
    is_the_cross_product(both(&["rules", "--all"]), failed.as_deref(), *no_ipv6);
}

#[test]
fn without_a_private_network_two_runs_at_once_on_one_network_give_the_same_rows() {
    let forbidden = injecting(&["unshare:error=EPERM"]);
    thread::scope(|scope| {
        let run = |build| run_under(&forbidden, build, &["rules", "--all"]);
        let [c, rust] = builds()
            .each_ref()
            .map(|build| scope.spawn(move || run(build)));
        let [c, rust] = [c, rust].map(|run| run.join().unwrap());
        let rust = rust.assert().stdout(c.stdout.clone());
        for outcome in [c.assert(), rust] {
            let failed = "unshare: Operation not permitted";
            is_the_cross_product(outcome, Some(failed), no_ipv6());
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_with_a_note() {
    // Without a private network, the first socket asks for ::1.
    let no_ipv6 = injecting(&["unshare:error=EPERM", "socket:error=EAFNOSUPPORT:when=1"]);
    let failed = Some("unshare: Operation not permitted");
    let error = Some(Errno(libc::EAFNOSUPPORT));
    are_the_tables(both_under(&no_ipv6, &["rules"]), failed, error);
    is_the_cross_product(both_under(&no_ipv6, &["rules", "--all"]), failed, error);
}

/// The first bind(2) is on ::1, or fails because there is no IPv6.
#[test]
fn the_search_for_a_port_ends_with_another_error_or_after_one_round() {
    for (error, last) in [
        ("EACCES", "a free port: Permission denied"),
        (
            "EADDRINUSE",
            "every port from 10000 to 32767: Address already in use",
        ),
    ] {
        let failing = injecting(&[
            "unshare:error=EPERM",
            &format!("bind:error={error}:when=2+"),
        ]);
        let outcome = both_under(&failing, &["rules"]).code(1);
        outcome.stderr(ends_with(format!("reuseaddr: bind {last}\n")));
    }
}
