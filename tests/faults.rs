//! System calls that strace makes fail with each errno of their man pages, in both builds.

mod child;
mod descriptors;
mod server;

use crate::support::{Build, Result, Start, builds, in_order, launch, scratch, serve_args, tool};
use errno::Errno;
use std::fmt::Debug;
use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::process::Command;

/// For a call that is made repeatedly: which of the calls fails.
const OCCURRENCES: [usize; 3] = [1, 2, 3];

/// Runs `trial` for each error, each occurrence and each build. Returns the first failure.
fn try_each(
    errors: &[i32],
    occurrences: &[usize],
    trial: impl Fn(&Build, Errno, usize) -> Result<()> + Sync,
) -> Result<()> {
    let mut trials = Vec::new();
    for &error in errors {
        for &occurrence in occurrences {
            trials.extend(
                builds()
                    .iter()
                    .map(|build| (build, Errno(error), occurrence)),
            );
        }
    }
    let run = |number: usize| {
        let (build, error, occurrence) = trials[number];
        let place = format!("{}, {error}, occurrence {occurrence}", build.name);
        trial(build, error, occurrence).map_err(|reason| format!("{place}: {reason}"))
    };
    let mut outcomes = Vec::new();
    in_order(trials.len(), run, |_, outcome| outcomes.push(outcome));
    outcomes.into_iter().collect()
}

/// Runs `serve` with `injection` (strace's `-e inject=`) in the server, and not in its children.
fn faulty(build: &Build, address: SocketAddrV4, injection: &str) -> Result<Start> {
    let mut command = Command::new(tool("strace", "strace"));
    command.args(["-D", "-e", "signal=none", "-e"]);
    command.arg(format!("inject={injection}")).arg("-o");
    command.arg(trace_file(address)).arg(&build.path);
    command.args(serve_args(address, true));
    launch(command)
}

fn trace_file(address: SocketAddrV4) -> PathBuf {
    scratch(format!("{address}.faults"))
}

/// Removes strace's trace, and returns the number of its lines that contain `text`.
fn count_in_trace(address: SocketAddrV4, text: &str) -> usize {
    let trace = fs::read_to_string(trace_file(address)).unwrap();
    fs::remove_file(trace_file(address)).unwrap();
    trace.lines().filter(|line| line.contains(text)).count()
}

/// An error if `seen` is not `expected`.
fn same<T: PartialEq + Debug>(seen: T, expected: T) -> Result<()> {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{seen:?}, not {expected:?}")),
    }
}
