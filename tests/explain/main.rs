//! Tests of `explain`: the sockets that it lists exist, and bind(2) returns what it prints.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod every_state;
mod limits;
mod many;
mod neutral;
mod notes;
mod odd;
mod replies;
mod tree;

use assert_cmd::assert::{Assert, OutputAssertExt};
use neutral::Names;
use std::fmt::Display;
use std::fs;
use std::iter;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use support::*;

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
            let (_, rest) = self.text.split_once(&start).unwrap();
            let (result, how) = rest.lines().next().unwrap().split_once(", ").unwrap();
            let unknown = "not predictable, as an option cannot be read";
            assert!(["as predicted", unknown].contains(&how), "{}", self.text);
            result
        })
    }

    /// Fails the test if `text` is not in the output.
    fn shows(&self, text: &str) {
        assert!(self.text.contains(text), "{text:?}: {}", self.text);
    }
}

/// 127.0.0.1, and a port that no socket uses.
fn unused_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], fresh_port()))
}

/// A socket in `state` on an unused address.
fn held(state: &str, option: bool) -> (Holder, SocketAddr) {
    let address = unused_address();
    (hold(state, address, option).unwrap(), address)
}

/// Runs `build` for `address`, with `words` before its path.
fn explain_under(words: &[String], build: &Build, address: impl Display) -> Report {
    report(run_under(words, build, &["explain", &address.to_string()]).assert())
}

/// The report of a finished run. Fails the test if the run wrote to stderr.
fn report(outcome: Assert) -> Report {
    let outcome = outcome.stderr("");
    let output = outcome.get_output();
    let text = String::from_utf8_lossy(&output.stdout).into();
    let status = output.status.code().unwrap();
    Report { text, status }
}

/// Runs both builds, which have to print the same except for the numbers of seconds.
fn explain_with(words: &[String], address: impl Display) -> Report {
    let args = ["explain", &address.to_string()];
    report(compare_builds(without_seconds, |build| {
        run_under(words, build, &args)
    }))
}

fn explain(address: impl Display) -> Report {
    explain_with(&[], address)
}

/// Runs both builds under strace, which injects `injections`.
fn injected(injections: &[&str], address: impl Display) -> Report {
    explain_with(&injecting(injections), address)
}

/// The program and the arguments of `command`.
fn words_of(command: &Command) -> Vec<String> {
    let words = iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_str().unwrap().into()).collect()
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
