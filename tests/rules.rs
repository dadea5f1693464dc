//! `rules`: the tables, the rows of `--all`, random sequences, and runs without a private network, IPv6, free ports or descriptors.

mod expected;

use crate::support::*;
use assert_cmd::assert::{Assert, OutputAssertExt};
use errno::Errno;
use predicates::str::{contains, ends_with};
use std::collections::HashSet;
use std::thread;

const HEADER: &str = "state,present,present_reuseaddr,present_reuseport,newcomer,\
    newcomer_reuseaddr,newcomer_reuseport,bind,listen,predicted_bind,predicted_listen,\
    present_user,present_device,newcomer_user,newcomer_device";

/// The number of cells, the number of rows of `--all`, and the notes on stderr.
fn counts_and_notes(network: &Network) -> (usize, usize, String) {
    let ports = "using free ports of the current network";
    let note = |call| format!("reuseaddr: {call}; {ports}\n");
    let mut notes = network.failed.as_ref().map_or(String::new(), note);
    let mut left_out = |what, reason: Option<Errno>, rows| {
        let Some(reason) = reason else { return };
        notes += &format!("reuseaddr: {what}: {reason}; rows with {rows} are left out\n");
    };
    left_out("::1", network.no_ipv6, "IPv6");
    left_out("fchown", network.no_other_user, "two users");
    let (mut cells, rows, per_variant) = match network.no_ipv6 {
        None => (136, 11264, 1440),
        Some(_) => (72, 1584, 640),
    };
    let other_user = network.no_other_user.is_none();
    cells += if other_user { 7 } else { 5 };
    let variants = if other_user { 8 } else { 5 };
    (cells, rows + variants * per_variant, notes)
}

/// The network if strace makes unshare(2) fail.
fn shared_network(no_ipv6: Option<Errno>) -> Network {
    let failed = Some("unshare: Operation not permitted".into());
    Network {
        failed,
        no_ipv6,
        no_other_user: no_other_user(),
    }
}

fn check_tables(outcome: Assert, network: &Network) {
    let (cells, _, notes) = counts_and_notes(network);
    let outcome = outcome.code(0).stderr(notes);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    let (kernel, others): (Vec<_>, Vec<_>) = text
        .split_inclusive('\n')
        .partition(|line| line.starts_with("This kernel "));
    let tables = expected::tables(network);
    let sum = format!("{tables}\n{cells} cells; 0 contradict the rule.\n");
    assert_eq!(others.concat(), sum);
    assert!(is_before(6, 8) || kernel.len() == usize::from(is_before(6, 17)));
    let lacks = |commit| kernel.contains(&&*format!("This kernel lacks commit {commit}.\n"));
    assert_eq!(lacks("8002d44fe84d (Linux 6.8)"), is_before(6, 8));
    assert_eq!(lacks("c51da3f7a161 (Linux 6.17)"), is_before(6, 17));
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
        assert_eq!(fields.len(), 15, "{row}");
        assert_eq!(fields[7..9], fields[9..11], "{row}");
        assert_eq!(fields[7] != "OK", expected::conflicts(&fields), "{row}");
        let results = [["OK", "OK"], ["EADDRINUSE", "-"]];
        assert!(results.contains(&[fields[7], fields[8]]), "{row}");
        let [socket, extra] = [&fields[..7], &fields[11..]].map(|part| part.join(","));
        assert!(combinations.insert(socket + &extra), "{row} twice");
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
fn random_sequences_try_each_call_and_do_not_contradict_the_rule() {
    let run = |seed| both(&["rules", "--sequences", "2000", seed]).code(0);
    let outcome = run("7");
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    let (header, rows) = text.split_once('\n').unwrap();
    let columns = "sequence,step,address,reuseaddr,reuseport,user,device,call,result,predicted";
    assert_eq!(header, columns);
    let mut seen = HashSet::new();
    for row in rows.lines() {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields[8], fields[9], "{row}");
        seen.insert(format!("{} {}", fields[7], fields[8]));
    }
    let can_fail = ["bind", "listen"].map(|call| format!("{call} EADDRINUSE"));
    let calls = "bind listen close connect accept setsockopt".split(' ');
    assert_eq!(
        seen,
        calls
            .map(|call| format!("{call} OK"))
            .chain(can_fail)
            .collect()
    );
    assert!(
        rows.lines().last().unwrap().starts_with("2000,"),
        "not all sequences"
    );
    let sum = format!("{} rows; 0 contradict the rule.\n", rows.lines().count());
    let other = String::from_utf8_lossy(&run("8").get_output().stdout).into_owned();
    assert_ne!(text, other, "the seed has no effect");
    drop(text);
    outcome.stderr(ends_with(sum));
}

/// The probes call listen(2) three times, or twice without another user.
#[test]
fn a_sequence_ends_at_a_result_that_contradicts_the_rule() {
    if is_before(6, 17) {
        return eprintln!("left out: before Linux 6.17, more calls of listen(2) come first");
    }
    let first = if network().no_other_user.is_none() {
        4
    } else {
        3
    };
    let listen = injecting(&[&format!("listen:error=EBADF:when={first}")]);
    let outcome = both_under(&listen, &["rules", "--sequences", "9"]).code(1);
    let text = String::from_utf8_lossy(&outcome.get_output().stdout);
    let rows: Vec<&str> = text.lines().collect();
    let wrong = rows
        .iter()
        .position(|row| row.ends_with(",listen,EBADF,OK"))
        .unwrap();
    let sequence = |row: usize| rows[row].split(',').next().unwrap().parse::<u32>().unwrap();
    assert_eq!(sequence(wrong + 1), sequence(wrong) + 1);
    drop(text);
    outcome.stderr(ends_with("rows; 1 contradicts the rule.\n"));
}

#[test]
fn without_another_user_its_rows_are_left_out_with_a_note() {
    let forbidden = injecting(&["unshare:error=EPERM", "fchown:error=EPERM"]);
    let network = Network {
        no_other_user: Some(Errno(libc::EPERM)),
        ..shared_network(no_ipv6())
    };
    check_tables(both_under(&forbidden, &["rules"]), &network);
    check_cross_product(both_under(&forbidden, &["rules", "--all"]), &network);
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
        let bind = format!("bind:error={error}:when=2+");
        let failing = injecting(&["unshare:error=EPERM", &bind]);
        let outcome = both_under(&failing, &["rules"]).code(1);
        outcome.stderr(ends_with(format!("reuseaddr: bind {last}\n")));
    }
}

/// The probes call listen(2) three times, or twice without another user. The next call is on the new
/// socket of the first row in which bind(2) succeeds.
#[test]
fn a_row_that_contradicts_in_three_attempts_is_marked_and_counted() {
    if is_before(6, 17) {
        return eprintln!("left out: before Linux 6.17, more calls of listen(2) come first");
    }
    let bound = "BOUND             EADDRINUSE   EADDRINUSE   EADDRINUSE   ";
    let [ok, marked] = ["OK", "listen: EBADF!"].map(|cell| format!("{bound}{cell}\n"));
    let row = "BOUND,127.0.0.1,0,1,127.0.0.1,0,1,OK,EBADF,OK,OK,0,0,0,0\n";
    for (args, failing, sum, text) in [
        (&["rules"][..], 2, 0, &*ok),
        (&["rules"], 3, 1, &marked),
        (&["rules", "--all"], 3, 1, row),
        (&["rules", "--all"], 6, 2, row),
    ] {
        let first = if network().no_other_user.is_none() {
            4
        } else {
            3
        };
        let last = first + failing - 1;
        let listen = injecting(&[&format!("listen:error=EBADF:when={first}..{last}")]);
        let outcome = both_under(&listen, args).code(i32::from(sum > 0));
        let outcome = outcome.stdout(contains(text));
        let s = if sum == 1 { "s" } else { "" };
        let end = ends_with(format!("; {sum} contradict{s} the rule.\n"));
        match args.len() {
            1 => outcome.stdout(end),
            _ => outcome.stderr(end),
        };
    }
}

#[test]
fn a_call_that_fails_ends_it_with_its_name() {
    let calls = "uname setsockopt getsockopt listen getsockname connect accept sendto shutdown";
    for call in calls.split(' ') {
        let name = call.trim_end_matches("to");
        let line = format!("reuseaddr: {name} TCP socket: Bad file descriptor\n");
        let line = line.replace("uname TCP socket", "uname the kernel");
        let failing = injecting(&[&format!("{call}:error=EBADF")]);
        let outcome = both_under(&failing, &["rules"]).code(1);
        outcome.stderr(ends_with(line));
    }
}

#[test]
fn a_state_that_is_not_reached_is_polled_10_000_times() {
    // shutdown(2) does nothing, and the polls do not wait. One more poll precedes the error message.
    let stuck = injecting(&["shutdown:retval=0", "/^p?poll$:retval=0:when=1..10000"]);
    let line = "reuseaddr: getsockopt TCP_INFO TCP socket: Connection timed out\n";
    let outcome = both_under(&stuck, &["rules"]).code(1);
    outcome.stderr(ends_with(line));
}

/// With a lower limit, or if a descriptor is left open, a call fails.
#[test]
fn it_leaves_no_descriptor_open() {
    for (args, descriptors) in [
        ("rules", 7),
        ("rules --all", 7),
        ("rules --sequences 500", 16),
        ("abi", 12),
    ] {
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let shell = ["sh".into(), "-c".into(), script];
        let args: Vec<&str> = args.split(' ').collect();
        let run = |build: &Build| {
            let mut command = command_under(&shell, build, &args);
            prepare_child(&mut command);
            command.output().unwrap()
        };
        compare_builds(str::to_string, run).code(0);
    }
}
