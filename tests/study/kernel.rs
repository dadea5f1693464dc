//! The system calls of each step of `serve`, as the kernel saw them.

use crate::counterparts::Pair;
use crate::source::Part;
use crate::support::{builds, first_difference, session};

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

/// Runs a session with both builds, which have to make the same calls. Returns the calls, each with its
/// step: all those of the server and of its first child, and those of a restart in bind's step.
pub fn trace_steps(serve: &Pair) -> Result<Vec<(usize, String)>, String> {
    let [c, rust] = builds().each_ref().map(session);
    let (c, rust) = (c?, rust?);
    if let Some((index, [c, rust])) = first_difference(&c, &rust) {
        return Err(format!(
            "system call {}: {c} in C, and {rust} in Rust",
            index + 1
        ));
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for who in ["SERVER: ", "REFUSED: ", "GRANTED: ", "OLD: "] {
        let mut last = 1;
        for line in c.iter().filter(|line| line.starts_with(who)) {
            let call = &line[who.len()..];
            let code = CODE.iter().find(|(start, _)| call.starts_with(start));
            let code = code.map_or(&call[..=call.find('(').unwrap_or(0)], |(_, code)| code);
            let contains = |part: &Option<&Part>| part.is_some_and(|part| part.contains(code));
            let steps = serve
                .parts()
                .into_iter()
                .filter(|row| row.iter().all(contains));
            let steps: Vec<usize> = steps.filter_map(|[part, _]| part?.number()).collect();
            match steps.iter().find(|step| **step >= last) {
                Some(step) => last = *step,
                None if steps.is_empty() => continue, // made by the C library
                None => break,                        // the second client
            }
            if last == 3 || ["SERVER: ", "OLD: "].contains(&who) {
                found.push((last, line.clone()));
            }
        }
    }
    let mut steps = serve.rust.parts.iter().filter_map(Part::number);
    match steps.find(|step| found.iter().all(|(of, _)| of != step)) {
        Some(step) => Err(format!("serve, step {step}: no system call")),
        None => Ok(found),
    }
}
