//! Our own checks: both builds print the same bytes and make the same system calls.

use super::remedy::traced;
use crate::support::{Build, Result, builds, first_difference, fresh_address};
use std::process::{Command, Output};

/// Whether the build prints what the C build prints, with the same exit status. The detail is the last line.
/// Another test checks that it reports no contradiction.
pub fn same_bytes(build: &Build, arguments: &[&str]) -> Result<String> {
    if is_guest(build) {
        return Ok("-".into());
    }
    let run = |build: &Build| {
        let output = Command::new(&build.path).args(arguments).output();
        output.map_err(|error| format!("{}: {error}", build.path.display()))
    };
    let (of_c, output) = (run(&builds()[0])?, run(build)?);
    let lines = |output: &Output| {
        let bytes = [&*output.stdout, &output.stderr].concat();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(String::from).collect::<Vec<_>>()
    };
    let (expected, seen) = (lines(&of_c), lines(&output));
    same(&expected, &seen)?;
    if output != of_c {
        let (expected, seen) = (of_c.status, output.status);
        let newline = "or the bytes differ in a newline";
        return Err(format!("expected {expected}, seen {seen}, {newline}"));
    }
    Ok(format!("yes\n{}", seen.last().map_or("", |line| line)))
}

/// Whether the build makes the same calls as the C build until it listens, argument by argument.
pub fn same_calls(build: &Build) -> Result<String> {
    if is_guest(build) {
        return Ok("-".into());
    }
    let (_start, expected) = traced(&builds()[0], fresh_address(), true)?;
    let (_start, seen) = traced(build, fresh_address(), true)?;
    same(&expected, &seen)
}

/// The cell `yes` if both lists are equal, else the first difference as an error.
pub fn same(expected: &[String], seen: &[String]) -> Result<String> {
    match first_difference(expected, seen) {
        None => Ok("yes".into()),
        Some((_, [expected, seen])) => Err(format!("expected {expected}, seen {seen}")),
    }
}

/// Whether `build` is the guest, the build that WITH names. It needs only `serve`, and may make other calls.
pub fn is_guest(build: &Build) -> bool {
    builds().iter().all(|ours| ours.path != build.path)
}
