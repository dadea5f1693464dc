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

/// The number of cells, the number of rows of `--all`, and the notes on stderr.
fn counts_and_notes(network: &Network) -> (usize, usize, String) {
    let ports = "using free ports of the current network";
    let failed = network.failed.iter();
    let notes: String = failed
        .map(|call| format!("reuseaddr: {call}; {ports}\n"))
        .collect();
    match network.no_ipv6 {
        None => (136, 11264, notes),
        Some(reason) => {
            let left_out = format!("reuseaddr: ::1: {reason}; rows with IPv6 are left out\n");
            (72, 1584, notes + &left_out)
        }
    }
}

/// The network if strace makes unshare(2) fail.
fn shared_network(no_ipv6: Option<Errno>) -> Network {
    let failed = Some("unshare: Operation not permitted".into());
    Network { failed, no_ipv6 }
}

/// Compares `outcome` with the tables that are expected.
fn check_tables(outcome: Assert, network: &Network) {
    let (cells, _, notes) = counts_and_notes(network);
    // "cleared after bind": the shortcut that the head of conflict.rs describes.
    let (status, sum, cleared) = if is_before_6_8(&release()) {
        (1, "1 contradicts", "listen: EADDRINUSE!")
    } else {
        (0, "0 contradict", "EADDRINUSE")
    };
    let tables = expected::tables(network.no_ipv6.is_none(), cleared);
    let outcome = outcome.code(status).stderr(notes);
    outcome.stdout(format!("{tables}\n{cells} cells; {sum} the rule.\n"));
}

/// Checks that `outcome` has every combination once, and no contradiction.
fn check_cross_product(outcome: Assert, network: &Network) {
    let (_, rows_expected, notes) = counts_and_notes(network);
    let sum = format!("{notes}{rows_expected} rows; 0 contradict the rule.\n");
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
    assert_eq!(combinations.len(), rows_expected);
}

#[test]
fn the_tables_are_as_expected_within_80_columns() {
    let outcome = both(&["rules"]);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    assert_eq!(text.lines().find(|line| line.len() > 80), None);
    drop(text);
    check_tables(outcome, network());
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    check_cross_product(both(&["rules", "--all"]), network());
}

#[test]
fn without_a_private_network_two_runs_at_once_on_one_network_give_the_same_rows() {
    let forbidden = injecting(&["unshare:error=EPERM"]);
    thread::scope(|scope| {
        let run = |build| run_under(&forbidden, build, &["rules", "--all"]);
        let runs = builds().each_ref();
        let runs = runs.map(|build| scope.spawn(move || run(build)));
        let [c, rust] = runs.map(|run| run.join().unwrap());
        let rust = rust.assert().stdout(c.stdout.clone());
        for outcome in [c.assert(), rust] {
            check_cross_product(outcome, &shared_network(no_ipv6()));
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_with_a_note() {
    // Without a private network, the first socket(2) and the first bind(2) are for ::1.
    let injected = |injection| injecting(&["unshare:error=EPERM", injection]);
    let no_ipv6 = injected("socket:error=EAFNOSUPPORT:when=1");
    let network = shared_network(Some(Errno(libc::EAFNOSUPPORT)));
    check_tables(both_under(&no_ipv6, &["rules"]), &network);
    check_cross_product(both_under(&no_ipv6, &["rules", "--all"]), &network);
    let disabled = injected("bind:error=EADDRNOTAVAIL:when=1");
    let network = shared_network(Some(Errno(libc::EADDRNOTAVAIL)));
    check_tables(both_under(&disabled, &["rules"]), &network);
}

/// The first bind(2) is on ::1, or fails because there is no IPv6.
#[test]
fn the_search_for_a_port_ends_with_another_error_or_after_one_round() {
    for (error, last) in [
        ("EACCES", "a free port: Permission denied"),
        ("EADDRINUSE", "ports 10000 to 32767: Address already in use"),
    ] {
        let failing = injecting(&[
            "unshare:error=EPERM",
            &format!("bind:error={error}:when=2+"),
        ]);
        let outcome = both_under(&failing, &["rules"]).code(1);
        outcome.stderr(ends_with(format!("reuseaddr: bind {last}\n")));
    }
}
