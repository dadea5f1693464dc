//! Tests of `explain`: what it prints in each situation, and that bind(2) returns what it predicts.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod answers;
mod families;
mod limits;
mod notes;
mod remains;
mod replies;
mod scenes;
mod states;

use assert_cmd::assert::{Assert, OutputAssertExt};
use libc::{SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET};
use std::fmt::Display;
use std::fs;
use std::iter;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use support::*;

const IN_USE: &str = "is in use. A server cannot bind it, even if it sets SO_REUSEADDR.";
const MAYBE: &str = "is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can only if the old \
    program set it too.";
const FOR_SETTERS: &str = "is free for a server that sets SO_REUSEADDR, but not for others.";
const AT_ONCE: &str = "    then a server that sets SO_REUSEADDR can bind at once";
const TRY: &str = "    run explain with --try, which binds the port for an instant";
const NONE: &str = "No TCP socket uses port PORT in this network namespace. If bind fails, the\n\
    server is in another one, or binds the port twice: to 0.0.0.0 and to [::].\n";

/// Keeps other tests from starting a process. Between fork(2) and execve(2), that process would be one
/// more holder of all sockets of this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|failed| failed.into_inner())
}

/// The output of a run, and its exit status.
struct Report {
    text: String,
    status: i32,
}

impl Report {
    /// Fails the test unless `expected` is the whole output for `port`, without what differs from run to run, and
    /// the exit status.
    fn is(&self, port: u16, expected: &str) {
        let text = neutral(&self.text, port) + &format!("-> {}\n", self.status);
        assert!(text == expected, "{text}--- instead of\n{expected}");
    }

    /// Fails the test unless `expected` is a part of it.
    fn has(&self, port: u16, expected: &str) {
        let text = neutral(&self.text, port) + &format!("-> {}\n", self.status);
        assert!(text.contains(expected), "{text}--- without\n{expected}");
    }

    /// Fails the test if `text` is not in the output.
    fn shows(&self, text: &str) {
        assert!(self.text.contains(text), "{text:?}: {}", self.text);
    }
}

/// `text` with PORT for `port`, PEER for each other port, N for seconds, TEST for this process, PROCESS for each
/// other one, and one space between words.
fn neutral(text: &str, port: u16) -> String {
    let own = format!("pid {} ", std::process::id());
    let line = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let mut line = line.to_string();
        if let Some(at) = line.find("pid ") {
            let is_own = line[at..].starts_with(&own);
            line.replace_range(at.., ["PROCESS", "TEST"][usize::from(is_own)]);
        }
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        let word = |(index, word): (usize, &String)| {
            let next = words.get(index + 1).map_or("", |next| next);
            let text = word.trim_end_matches([':', ',', '.']);
            let (host, digits) = text.rsplit_once(':').unwrap_or(("", text));
            match digits.parse() {
                Ok(number) if port == number => word.replace(digits, "PORT"),
                Ok(_) if next.trim_end_matches(',') == "s" => "N".into(),
                Ok(1000_u16..) if !host.is_empty() => word.replace(digits, "PEER"),
                _ => word.clone(),
            }
        };
        let words: Vec<String> = words.iter().enumerate().map(word).collect();
        format!("{}{}\n", " ".repeat(start), words.join(" "))
    };
    text.lines().map(line).collect()
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

/// Waits until a socket that is `wanted` is in `state`.
fn wait_for_state(state: &str, wanted: impl Fn(&Socket) -> bool) {
    let found = |socket: &Socket| socket.state == state && wanted(socket);
    wait_until(state, || sockets().iter().any(found)).unwrap();
}

/// The report of a finished run. Fails the test if the run wrote to stderr.
fn report(outcome: Assert) -> Report {
    let outcome = outcome.stderr("");
    let output = outcome.get_output();
    let text = String::from_utf8_lossy(&output.stdout).into();
    let status = output.status.code().unwrap();
    Report { text, status }
}

/// Runs `build` with `words` before its path.
fn explain_under(words: &[String], build: &Build, args: impl Display) -> Report {
    report(run_under(words, build, &arguments(args)).assert())
}

/// `explain` and the words of `args`.
fn arguments(args: impl Display) -> Vec<String> {
    let args = format!("explain {args}");
    args.split(' ').map(String::from).collect()
}

/// Runs both builds, which have to print the same except for the numbers of seconds.
fn explain_with(words: &[String], args: impl Display) -> Report {
    let args = arguments(args);
    report(compare_builds(
        |text| neutral(text, 0),
        |build| run_under(words, build, &args),
    ))
}

fn explain(args: impl Display) -> Report {
    explain_with(&[], args)
}

/// Runs copies of both builds as another user.
fn explain_as_another_user(args: impl Display) -> Report {
    let args = arguments(args);
    let run = |mut copy: Command| copy.args(&args).output().unwrap();
    let outcome = compare_builds(|text| neutral(text, 0), |build| as_another_user(build, run));
    report(outcome)
}

/// Runs both builds with `words` before their path, and with `socket` as descriptor 0.
fn explain_on(socket: &OwnedFd, words: &[String], args: impl Display) -> Report {
    let run = |build: &Build| {
        let mut command = command_under(words, build, &arguments(&args));
        command.stdin(socket.try_clone().unwrap()).output().unwrap()
    };
    report(compare_builds(|text| neutral(text, 0), run))
}

/// Runs both builds under strace, which injects `injections`.
fn injected(injections: &[&str], args: impl Display) -> Report {
    explain_with(&injecting(injections), args)
}

/// The start of a command line: unshare, with a PID namespace that does not have the processes of this test.
fn in_pid_namespace() -> Vec<String> {
    let user = if is_root() { "" } else { " --map-current-user" };
    let words = format!("unshare --pid --fork --mount-proc{user}");
    words.split(' ').map(String::from).collect()
}

/// The program and the arguments of `command`.
fn words_of(command: &Command) -> Vec<String> {
    let words = iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_str().unwrap().into()).collect()
}

/// The name of this user, which `id -un` prints.
fn own_name() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().into()
}
