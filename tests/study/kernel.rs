//! The system calls of each step of `serve`, as the kernel saw them.

use crate::counterparts::Pair;
use crate::source::Part;
use crate::support::{Result, builds, first_difference, session};
use std::collections::BTreeMap;

/// The processes that make these calls.
pub const WHO: &str = "SERVER is the server; OLD is its child process for the first client, which \
    still runs when the server is killed. REFUSED is a restart without SO_REUSEADDR, and GRANTED one \
    with it. Names in capitals replace what differs from run to run.";

/// The beginning of a system call, and the code that makes it if it has another name.
const CODE: [(&str, &str); 10] = [
    ("close(3)", "close(s)"),
    ("close(4)", "close(c)"),
    ("clone(", "fork("),
    ("exit_group(0)", "_exit("),
    ("poll([{fd=1,", "write_line"),
    ("write(1,", "write_line"),
    ("poll([{fd=2,", "exit_with_hint("),
    ("write(2,", "exit_with_hint("),
    ("read(", "read_some("),
    ("write(", "write_all("),
];

/// The system calls of each step.
pub type Calls = BTreeMap<usize, Vec<String>>;

/// Runs a session with both builds, which have to make the same calls. Returns all calls of the server and
/// of its first child, and those of the restarts in bind's step.
pub fn trace_steps(serve: &Pair) -> Result<Calls> {
    let [c, rust] = builds().each_ref().map(session);
    let (c, rust) = (c?, rust?);
    if let Some((index, [c, rust])) = first_difference(&c, &rust) {
        let place = index + 1;
        return Err(format!("system call {place}: {c} in C, {rust} in Rust"));
    }
    let parts = serve.parts();
    let numbers = serve.rust.parts.iter().filter_map(Part::number);
    let mut found = Calls::from_iter(numbers.map(|number| (number, Vec::new())));
    for who in ["SERVER: ", "REFUSED: ", "GRANTED: ", "OLD: "] {
        let mut last = 1;
        for line in c.iter().filter(|line| line.starts_with(who)) {
            let call = &line[who.len()..];
            let name = &call[..=call.find('(').unwrap_or(0)];
            let code = CODE.iter().find(|(start, _)| call.starts_with(start));
            let code = code.map_or(name, |(_, code)| code);
            let contains = |part: &Option<&Part>| part.is_some_and(|part| part.contains(code));
            let steps = parts.iter().filter(|row| row.iter().all(contains));
            let mut steps = steps.filter_map(|[part, _]| part.as_ref()?.number());
            // The C library makes calls that no step contains; the second client's are in earlier ones.
            let Some(step) = steps.find(|step| *step >= last) else {
                continue;
            };
            last = step;
            let calls = found.entry(step).or_default();
            if (["SERVER: ", "OLD: "].contains(&who) || step == 3) && !calls.contains(line) {
                calls.push(line.clone());
            }
        }
    }
    match found.iter().find(|(_, calls)| calls.is_empty()) {
        Some((step, _)) => Err(format!("serve, step {step}: no system call")),
        None => Ok(found),
    }
}
