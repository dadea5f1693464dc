//! Calls that fail, made to fail by strace: whom it costs what. Each errno is from the call's man page,
//! and each is tried in both builds, which do and say the same.

mod child;
mod room;
mod server;

use crate::support::{Build, Result, Start, builds, in_order, launch, serve_words, tool};
use errno::Errno;
use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::process::Command;

/// Of a call that is made again and again, the first, the second and the third one fail.
const OCCURRENCES: [usize; 3] = [1, 2, 3];

/// Runs `trial` for each errno in each build, and each time that the call is made; the first failure is
/// the test's.
fn try_each(
    errors: &[i32],
    occurrences: &[usize],
    trial: impl Fn(&Build, Errno, usize) -> Result<()> + Sync,
) -> Result<()> {
    let mut trials = Vec::new();
    for &error in errors {
        for &occurrence in occurrences {
            trials.extend(builds().iter().map(|build| (build, error, occurrence)));
        }
    }
    let run = |number: usize| {
        let (build, error, occurrence) = trials[number];
        let error = Errno(error);
        trial(build, error, occurrence)
            .map_err(|reason| format!("{}, {error}, occurrence {occurrence}: {reason}", build.name))
    };
    let mut result = Ok(());
    in_order(trials.len(), run, |_, outcome| {
        if result.is_ok() {
            result = outcome;
        }
    });
    result
}

/// Runs `serve` with `injection` (strace's `-e inject=`) in the server, not in its children.
fn faulty(build: &Build, address: SocketAddrV4, injection: &str) -> Result<Start> {
    let mut command = Command::new(tool("strace", "strace"));
    command
        .args(["-D", "-e", "signal=none", "-e"])
        .arg(format!("inject={injection}"))
        .arg("-o")
        .arg(trace_file(address))
        .arg(&build.path)
        .args(serve_words(address, true));
    launch(command)
}

fn trace_file(address: SocketAddrV4) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{address}.faults"))
}

/// How many of the lines of strace's record contain `words`; the record is then removed.
fn count_in_trace(address: SocketAddrV4, words: &str) -> usize {
    let trace = fs::read_to_string(trace_file(address)).unwrap();
    fs::remove_file(trace_file(address)).unwrap();
    trace.lines().filter(|line| line.contains(words)).count()
}

/// An error where `seen` is not what is `expected`.
fn same<T: PartialEq + std::fmt::Debug>(seen: T, expected: T) -> Result<()> {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{seen:?}, not {expected:?}")),
    }
}
