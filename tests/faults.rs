//! System calls that strace makes fail with each errno of their man pages, in both builds. An error before the
//! server listens stops it, and is reported with the call. Later, it costs one client at most; only accept(2) has
//! errors that stop the server.

mod child;
mod server;

use crate::support::*;
use errno::Errno;
use std::fmt::{Debug, Display};

/// Which one of repeated calls fails: the first, the second or the third.
const OCCURRENCES: [usize; 3] = [1, 2, 3];

/// Runs `trial` for each error, each occurrence and each build. Returns the first failure.
fn try_each(
    errors: &[i32],
    occurrences: &[usize],
    trial: impl Fn(&Build, Errno, usize) -> Result<()> + Sync,
) -> Result<()> {
    let count = errors.len() * occurrences.len() * 2;
    let run = |number: usize| {
        let (build, rest) = (&builds()[number % 2], number / 2);
        let occurrence = occurrences[rest % occurrences.len()];
        let error = Errno(errors[rest / occurrences.len()]);
        let place = format!("{}, {error}, occurrence {occurrence}", build.name);
        trial(build, error, occurrence).map_err(|reason| format!("{place}: {reason}"))
    };
    let mut outcomes = Vec::new();
    in_order(count, run, |_, outcome| outcomes.push(outcome));
    outcomes.into_iter().collect()
}

/// Runs `serve` with `injection` (strace's `-e inject=`) in the server, and not in its children.
fn faulty(build: &Build, address: SocketAddrV4, injection: &str) -> Result<Start> {
    launch(faulty_command(build, address, injection))
}

fn faulty_command(build: &Build, address: SocketAddrV4, injection: &str) -> Command {
    let options = format!("-D -e signal=none -e inject={injection}");
    let mut command = strace(&options, &trace_file(address));
    command.arg(&build.path).args(serve_args(address, true));
    command
}

/// Starts a server in which `call` fails with `error`; `when` is strace's.
fn failing(build: &Build, call: &str, error: Errno, when: impl Display) -> Result<Server> {
    let injection = format!("{call}:error={}:when={when}", error.0);
    faulty(build, fresh_address(), &injection)?.server()
}

fn trace_file(address: SocketAddrV4) -> PathBuf {
    scratch(format!("{address}.faults"))
}

/// An error if strace's trace does not contain `text` in `count` places. Removes the trace.
fn traced(address: SocketAddrV4, text: &str, count: usize) -> Result<()> {
    let trace = take_file(&trace_file(address))?;
    same(trace.matches(text).count(), count)
}

fn serve_clients(server: &Server, count: usize) -> Result<()> {
    (0..count).try_for_each(|_| Client::served(server.address).map(drop))
}

/// An error if `seen` is not `expected`.
fn same<T: PartialEq + Debug>(seen: T, expected: T) -> Result<()> {
    let wrong = || format!("{seen:?}, not {expected:?}");
    (seen == expected).then_some(()).ok_or_else(wrong)
}
