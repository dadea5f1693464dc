//! The rule and the kernel: the tables, the cross product, and wherever they may be run.

use crate::support::{
    both, both_under, builds, has_ipv6, injecting, is_before_6_8, release, run_under,
};
use assert_cmd::assert::{Assert, OutputAssertExt};
use predicates::prelude::*;
use predicates::str::{contains, ends_with, starts_with};
use std::collections::HashSet;
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

/// `outcome` is the tables as they are expected.
fn are_the_tables(outcome: Assert, ipv6: bool) {
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
    let sum = format!("\n{cells} cells, {contradictions} contradict the rule{mark}\n");
    let outcome = outcome.code(contradictions as i32).stderr(note);
    outcome.stdout(contains(PAGE).and(contains(time)).and(contains(sum)));
}

#[test]
fn the_tables_say_what_the_page_and_time_do_within_80_columns() {
    let outcome = both(&["rules"]);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    assert_eq!(text.lines().find(|line| line.len() > 80), None);
    drop(text);
    are_the_tables(outcome, has_ipv6());
}

#[test]
fn the_cross_product_has_every_combination_once_and_no_contradiction() {
    let (_, _, rows_expected, note) = expected(has_ipv6());
    let sum = format!("{note}{rows_expected} rows, 0 contradict the rule\n");
    let outcome = both(&["rules", "--all"]).code(0).stderr(sum);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
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
    let outcome = both(&["rules", "--all"]);
    let (_, _, rows, note) = expected(has_ipv6());
    let said = format!(
        "reuseaddr: unshare: Operation not permitted; \
         using free ports of this network, 10000 to 32767\n\
         {note}{rows} rows, 0 contradict the rule\n"
    );
    let forbidden = injecting(&["unshare:error=EPERM"]);
    thread::scope(|scope| {
        for build in builds() {
            scope.spawn(|| {
                let output = run_under(&forbidden, build, &["rules", "--all"]);
                let stdout = outcome.get_output().stdout.clone();
                output.assert().code(0).stdout(stdout).stderr(said.clone());
            });
        }
    });
}

#[test]
fn without_ipv6_its_rows_are_left_out_and_it_is_said() {
    // The first socket is for lo, the second asks for ::1.
    let no_ipv6 = injecting(&["socket:error=EAFNOSUPPORT:when=2..3"]);
    are_the_tables(both_under(&no_ipv6, &["rules"]), false);
    let outcome = both_under(&no_ipv6, &["rules", "--all"]).code(0);
    let sum = format!("{NO_IPV6}1584 rows, 0 contradict the rule\n");
    outcome.stdout(starts_with(HEADER)).stderr(sum);
}

#[test]
fn a_bind_that_is_forbidden_ends_it_with_its_name() {
    let forbidden = injecting(&["unshare:error=EPERM", "bind:error=EACCES:when=2+"]);
    let last = match has_ipv6() {
        true => "reuseaddr: bind AF_UNIX: Permission denied\n",
        false => "reuseaddr: bind 0.0.0.0: Permission denied\n",
    };
    both_under(&forbidden, &["rules"])
        .code(1)
        .stderr(ends_with(last));
}
