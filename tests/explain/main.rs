//! explain: what it lists is there, and what it says of a bind is what a bind answers.

#[path = "../support/mod.rs"]
mod support;

mod limits;
mod many;
mod odd;
mod states;
mod story;

use assert_cmd::assert::{Assert, OutputAssertExt};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use support::{Build, compare_builds, fresh_port, run_under};

/// While a test has this, no other one starts a process: until it has become its program, it would be
/// one more that has all sockets of this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|failed| failed.into_inner())
}

/// What a run printed, and how it ended.
struct Said {
    text: String,
    status: i32,
}

impl Said {
    /// What it says that a bind answers, without the option and with it; each has to be as predicted,
    /// or to have been found by a trial bind.
    fn answers(&self) -> [&str; 2] {
        ["without", "with"].map(|with| {
            let start = format!(" {with} SO_REUSEADDR: ");
            let answer = self.text.lines().find_map(|line| line.split_once(&start));
            let (answer, how) = answer.and_then(|(_, rest)| rest.split_once(", ")).unwrap();
            assert!(
                ["as predicted", "not predictable (found by a trial bind)"].contains(&how),
                "{}",
                self.text
            );
            answer
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

/// What `build` with `words` before it says of `address`.
fn explain_under(words: &[String], build: &Build, address: &str) -> Said {
    said(run_under(words, build, &["explain", address]).assert())
}

/// A run that says nothing on stderr, and is done.
fn said(outcome: Assert) -> Said {
    let outcome = outcome.stderr("");
    let output = outcome.get_output();
    Said {
        text: String::from_utf8_lossy(&output.stdout).into(),
        status: output.status.code().unwrap(),
    }
}

/// What both builds say of `address`, which is the same but for the seconds that pass in between.
fn explain_with(words: &[String], address: &str) -> Said {
    said(compare_builds(without_seconds, |build| {
        run_under(words, build, &["explain", address])
    }))
}

fn explain(address: &str) -> Said {
    explain_with(&[], address)
}

/// `text` with N for each number of seconds.
fn without_seconds(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).collect::<Vec<_>>();
    let mut result = String::new();
    for (index, word) in words.iter().enumerate() {
        let unit = words
            .get(index + 1)
            .map_or("", |next| next.trim_end_matches([' ', '\n', ',']));
        result += match unit {
            "s" => "N ",
            _ => word,
        };
    }
    result
}
