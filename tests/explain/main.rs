//! Tests of `explain`: the sockets that it lists exist, and bind(2) returns what it prints.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod every_state;
mod limits;
mod linger;
mod many;
mod netlink;
mod neutral;
mod notes;
mod odd;
mod replies;
mod story;
mod tree;

use assert_cmd::assert::{Assert, OutputAssertExt};
use std::fs;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use support::{Build, compare_builds, fresh_port, run_under};

/// Keeps other tests from starting a process. Between fork(2) and execve(2), that process would be one
/// more holder of all sockets of this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(|failed| failed.into_inner());
    fs::write("/proc/self/comm", "test").unwrap(); // as the expected outputs name this process
    alone
}

/// The output of a run, and its exit status.
struct Report {
    text: String,
    status: i32,
}

impl Report {
    /// The results of bind(2) without the option and with it. Fails the test if one of them contradicts
    /// its prediction.
    fn results(&self) -> [&str; 2] {
        ["without", "with"].map(|with| {
            let start = format!(" {with} SO_REUSEADDR: ");
            let result = self.text.lines().find_map(|line| line.split_once(&start));
            let (result, how) = result.and_then(|(_, rest)| rest.split_once(", ")).unwrap();
            let known = [
                "as predicted",
                "not predictable, as an option cannot be read",
            ]
            .contains(&how);
            assert!(known, "{}", self.text);
            result
        })
    }

    /// The words of the line of socket `number`.
    fn row(&self, number: usize) -> Vec<&str> {
        let rows = self.text.lines().map(|line| line.split_whitespace());
        let number = number.to_string();
        let mut rows = rows.filter(|row| row.clone().next() == Some(&number));
        rows.next().into_iter().flatten().skip(1).collect()
    }

    /// Fails the test if `text` is not in the output.
    fn shows(&self, text: &str) {
        assert!(self.text.contains(text), "{text:?}: {}", self.text);
    }

    /// Fails the test if no indented line is `line`.
    fn shows_detail(&self, line: &str) {
        assert!(self.details().contains(&line), "{line:?}: {}", self.text);
    }

    /// The indented lines, without the indent.
    fn details(&self) -> Vec<&str> {
        let lines = self.text.lines();
        lines.filter_map(|line| line.strip_prefix("    ")).collect()
    }
}

/// 127.0.0.1, and a port that no socket uses.
fn unused_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], fresh_port()))
}

/// Runs `build` for `address`, with `words` before its path.
fn explain_under(words: &[String], build: &Build, address: &str) -> Report {
    report(run_under(words, build, &["explain", address]).assert())
}

/// The report of a finished run. Fails the test if the run wrote to stderr.
fn report(outcome: Assert) -> Report {
    let outcome = outcome.stderr("");
    let output = outcome.get_output();
    Report {
        text: String::from_utf8_lossy(&output.stdout).into(),
        status: output.status.code().unwrap(),
    }
}

/// Runs both builds, which have to print the same except for the numbers of seconds.
fn explain_with(words: &[String], address: &str) -> Report {
    report(compare_builds(without_seconds, |build| {
        run_under(words, build, &["explain", address])
    }))
}

fn explain(address: &str) -> Report {
    explain_with(&[], address)
}

/// `text` with N for each number of seconds that are left.
fn without_seconds(text: &str) -> String {
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
    for index in 2..words.len() {
        if words[index].trim_end() == "s" && ["process, ", "wait "].contains(&words[index - 2]) {
            words[index - 1] = "N ";
        }
    }
    words.concat()
}
