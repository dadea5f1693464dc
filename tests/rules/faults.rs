//! `rules` with calls that fail, and with no more descriptors than it needs.

use crate::support::*;
use predicates::str::{contains, ends_with};

/// The first call of listen(2) is on the new socket of the first row in which bind(2) succeeds.
#[test]
fn a_row_that_contradicts_in_three_attempts_is_marked_and_counted() {
    let in_tables = usize::from(is_before_6_8(&release()));
    let bound = "BOUND             EADDRINUSE   EADDRINUSE   EADDRINUSE   ";
    let [ok, marked] = ["OK", "listen: EBADF!"].map(|cell| format!("{bound}{cell}\n"));
    let row = "BOUND,127.0.0.1,0,1,127.0.0.1,0,1,OK,EBADF,OK,OK\n";
    for (args, failing, sum, text) in [
        (&["rules"][..], "1..2", in_tables, &*ok),
        (&["rules"], "1..3", in_tables + 1, &marked),
        (&["rules", "--all"], "1..3", 1, row),
        (&["rules", "--all"], "1..6", 2, row),
    ] {
        let listen = injecting(&[&format!("listen:error=EBADF:when={failing}")]);
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
    for (args, descriptors) in [("rules", 7), ("rules --all", 7), ("abi", 12)] {
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
