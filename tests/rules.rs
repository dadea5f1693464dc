//! `rules`: the tables, the rows of `--all`, and runs without a private network, IPv6 or free ports.

mod expected;
mod faults;

use crate::support::{
    Network, both, both_under, builds, injecting, is_before_6_8, network, no_ipv6, release,
    run_under,
};
use assert_cmd::assert::{Assert, OutputAssertExt};
use errno::Errno;
use predicates::str::ends_with;
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

/// The number of cells, the number of rows of `--all`, and the notes on stderr.
fn expected(network: &Network) -> (usize, usize, String) {
    let ports = "using free ports 10000 to 32767 of the current network";
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

/// The network if strace has unshare fail.
fn shared_network(no_ipv6: Option<Errno>) -> Network {
    let failed = Some("unshare: Operation not permitted".into());
    Network { failed, no_ipv6 }
}

/// Compares `outcome` with the tables that are expected.
fn are_the_tables(outcome: Assert, network: &Network) {
    let (cells, _, notes) = expected(network);
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
fn is_the_cross_product(outcome: Assert, network: &Network) {
    let (_, rows_expected, notes) = expected(network);
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
    are_the_tables(outcome, network());
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    is_the_cross_product(both(&["rules", "--all"]), network());
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
            is_the_cross_product(outcome, &shared_network(no_ipv6()));
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_with_a_note() {
    // Without a private network, the first socket asks for ::1.
    let no_ipv6 = injecting(&["unshare:error=EPERM", "socket:error=EAFNOSUPPORT:when=1"]);
    let network = shared_network(Some(Errno(libc::EAFNOSUPPORT)));
    are_the_tables(both_under(&no_ipv6, &["rules"]), &network);
    is_the_cross_product(both_under(&no_ipv6, &["rules", "--all"]), &network);
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
