//! The system calls of each step of `serve`, as the kernel saw them.

use crate::counterparts::Pair;
use crate::source::Part;
use crate::support::{Build, builds, first_difference, session};

/// The processes that make these calls.
pub const WHO: &str = "SERVER is the server; OLD is its child process for the first client, which \
    still runs when the server is killed. Names in capitals replace what differs from run to run.";

/// What the code of a step contains in both languages, and the beginning of the system call that the
/// kernel saw. An entry belongs to the first step that contains it, from the step of the last entry on.
#[rustfmt::skip]
const SEEN: [(&str, &str); 22] = [
    ("socket(", "SERVER: socket("),
    ("setsockopt(", "SERVER: setsockopt("),
    ("bind(", "SERVER: bind("),
    ("listen(", "SERVER: listen("),
    ("getsockopt(", "SERVER: getsockopt("),
    ("getpid(", "SERVER: getpid("),
    ("write_line", "SERVER: poll([{fd=1, events=POLLOUT}], 1, 0) = 1"),
    ("write_line", "SERVER: write(1, "),
    ("accept(", "SERVER: accept("),
    ("fork(", "SERVER: clone("),
    ("close(s)", "OLD: close(3)"),
    ("getpid(", "OLD: getpid("),
    ("write_line", "OLD: poll([{fd=1, events=POLLOUT}], 1, 0) = 1"),
    ("write_line", "OLD: write(1, \"server "),
    ("close(c)", "SERVER: close(4)"),
    ("read_some(", "OLD: read(4, \"hello\""),
    ("write_all(", "OLD: write(4, \"hello\""),
    ("read_some(", "OLD: read(4, \"\""),
    ("close(c)", "OLD: close(4)"),
    ("write_line", "OLD: poll([{fd=1, events=POLLOUT}], 1, 0) = 1"),
    ("write_line", "OLD: write(1, \"child "),
    ("_exit(", "OLD: exit_group("),
];

/// The calls, each with the number of its step.
pub struct Calls(Vec<(usize, String)>);

impl Calls {
    /// The calls of a step of `serve`; other files have none.
    pub fn of(&self, pair: &Pair, part: &Part) -> Vec<&str> {
        let number = part.number().filter(|_| pair.name == "serve");
        let calls = self.0.iter().filter(|(step, _)| number == Some(*step));
        calls.map(|(_, call)| &**call).collect()
    }
}

/// Runs a session with both builds, which have to make the same calls, and finds each entry of the
/// table in the code and among the calls.
pub fn trace_steps(serve: &Pair) -> Result<Calls, Vec<String>> {
    let run = |build: &Build| {
        let calls = session(build);
        calls.map_err(|reason| vec![format!("a session in {}: {reason}", build.name)])
    };
    let (c, rust) = (run(&builds()[0])?, run(&builds()[1])?);
    if let Some((index, [c, rust])) = first_difference(&c, &rust) {
        let place = format!("system call {}", index + 1);
        return Err(vec![format!("{place}: {c} in C, and {rust} in Rust")]);
    }

    let (mut found, mut missing, mut last) = (Vec::new(), Vec::new(), 1);
    for (code, start) in SEEN {
        let steps = serve.c.parts.iter().filter(|part| part.contains(code));
        let Some(step) = steps.filter_map(Part::number).find(|step| *step >= last) else {
            let path = &serve.c.path;
            missing.push(format!("{path}: {code:?} is in no step from {last} on"));
            continue;
        };
        last = step;
        let mut parts = serve.rust.parts.iter();
        if !parts.any(|part| part.number() == Some(step) && part.contains(code)) {
            let path = &serve.rust.path;
            missing.push(format!("{path}: {code:?} is not in step {step}"));
        }
        match c.iter().find(|call| call.starts_with(start)) {
            Some(call) => found.push((step, call.clone())),
            None => missing.push(format!("serve, step {step}: the kernel saw no {start:?}")),
        }
    }
    missing.is_empty().then_some(Calls(found)).ok_or(missing)
}
