//! The system calls that the kernel saw at each step of `serve`.

use crate::counterparts::{Twin, first_difference};
use crate::source::Part;
use crate::support::{builds, session};
use std::thread;

/// Whose calls these are, in words.
pub const WHO: &str = "SERVER is the server; OLD is its child for the first client, which goes on when the \
    server is killed. What differs from run to run has a name in capitals.";

/// What a step calls in both languages, and what the kernel saw of it: whose call, and how it begins.
#[rustfmt::skip]
const SEEN: [(usize, &str, &str); 22] = [
    (1, "socket", "SERVER: socket("),
    (2, "setsockopt", "SERVER: setsockopt("),
    (3, "bind", "SERVER: bind("),
    (4, "listen", "SERVER: listen("),
    (5, "signal", "SERVER: rt_sigaction(SIGCHLD, "),
    (6, "getsockname", "SERVER: getsockname("),
    (6, "getsockopt", "SERVER: getsockopt("),
    (6, "getpid", "SERVER: getpid("),
    (6, "say", "SERVER: write(1, "),
    (7, "accept_client", "SERVER: accept("),
    (8, "fork", "SERVER: clone("),
    (9, "close", "OLD: close(3)"),
    (9, "getpid", "OLD: getpid("),
    (9, "say", "OLD: write(1, \"server "),
    (10, "close", "SERVER: close(4)"),
    (12, "read", "OLD: read(4, \"hello\""),
    (12, "read", "OLD: read(4, \"still there?\""),
    (12, "read", "OLD: read(4, \"\""),
    (13, "write_all", "OLD: write(4, \"hello\""),
    (14, "close", "OLD: close(4)"),
    (14, "say", "OLD: write(1, \"child "),
    (14, "_exit", "OLD: exit_group("),
];

/// The calls, and the number of the step that each belongs to.
pub struct Calls(Vec<(usize, String)>);

impl Calls {
    /// Those of a step of `serve`; of all else there are none.
    pub fn of(&self, twin: &Twin, part: &Part) -> Vec<&str> {
        let calls = self
            .0
            .iter()
            .filter(|(step, _)| twin.name == "serve" && part.number() == Some(*step));
        calls.map(|(_, call)| &**call).collect()
    }
}

/// Has both builds go through a session. They have to make the same calls, and what the table says has to
/// be so in the code and in what the kernel saw.
pub fn trace_steps(serve: &Twin) -> Result<Calls, Vec<String>> {
    let [c, rust] = thread::scope(|scope| {
        let sessions = [0, 1].map(|build| scope.spawn(move || session(&builds()[build])));
        sessions.map(|session| session.join().expect("a session does not panic"))
    });
    let (c, rust) = match (c, rust) {
        (Ok(c), Ok(rust)) => (c, rust),
        (c, rust) => {
            let reasons = [("C", c.err()), ("Rust", rust.err())].into_iter();
            let said = reasons
                .filter_map(|(name, reason)| Some(format!("a session in {name}: {}", reason?)));
            return Err(said.collect());
        }
    };
    if let Some(index) = first_difference(&c, &rust, PartialEq::eq) {
        let [c, rust] = [&c, &rust].map(|calls| calls.get(index).map_or("none", |call| call));
        return Err(vec![format!(
            "system call {}: {c} in C, and {rust} in Rust",
            index + 1
        )]);
    }

    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (step, function, start) in SEEN {
        for source in [&serve.c, &serve.rust] {
            if !source.step(step).is_some_and(|part| part.calls(function)) {
                missing.push(format!(
                    "{}: step {step} does not call {function}",
                    source.path
                ));
            }
        }
        match c.iter().find(|call| call.starts_with(start)) {
            Some(call) => found.push((step, call.clone())),
            None => missing.push(format!("serve, step {step}: the kernel saw no {start:?}")),
        }
    }
    if missing.is_empty() {
        Ok(Calls(found))
    } else {
        Err(missing)
    }
}
