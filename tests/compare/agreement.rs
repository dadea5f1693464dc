//! Our own checks: both builds print the same bytes and make the same system calls.

use super::remedy::traced;
use crate::support::{Build, Result, builds};
use std::process::{Command, Output};

/// Whether the build prints what the C build prints and has the same exit status; the detail is the
/// last line. That this line reports no contradiction is tested elsewhere.
pub fn same_bytes(build: &Build, arguments: &[&str]) -> Result<String> {
    if is_guest(build) {
        return Ok("-".into());
    }
    let run = |build: &Build| Command::new(&build.path).args(arguments).output();
    let outputs: Vec<Output> = [&builds()[0], build]
        .into_iter()
        .map(|build| run(build).map_err(|error| format!("{}: {error}", build.path.display())))
        .collect::<Result<_>>()?;
    let lines = |output: &Output| {
        let text =
            String::from_utf8_lossy(&[&*output.stdout, &output.stderr].concat()).into_owned();
        text.lines().map(String::from).collect::<Vec<_>>()
    };
    let (expected, seen) = (lines(&outputs[0]), lines(&outputs[1]));
    if let Some(difference) = difference(&expected, &seen) {
        return Err(difference);
    }
    if outputs[0] != outputs[1] {
        let [expected, seen] = [&outputs[0], &outputs[1]].map(|output| output.status);
        return Err(format!(
            "expected {expected}, seen {seen}, or the bytes differ in a newline"
        ));
    }
    Ok(format!("yes\n{}", seen.last().map_or("", |line| line)))
}

/// Whether the build makes the same calls as the C build until it listens, argument by argument.
pub fn same_calls(build: &Build) -> Result<String> {
    if is_guest(build) {
        return Ok("-".into());
    }
    let ((_, expected), (_, seen)) = (traced(&builds()[0], true)?, traced(build, true)?);
    difference(&expected, &seen).map_or_else(|| Ok("yes".into()), Err)
}

/// The first place where two lists differ, in words.
pub fn difference(expected: &[String], seen: &[String]) -> Option<String> {
    let places = 0..expected.len().max(seen.len());
    let place = places
        .into_iter()
        .find(|&place| expected.get(place) != seen.get(place))?;
    let [expected, seen] =
        [expected, seen].map(|list| list.get(place).map_or("nothing", |item| item));
    Some(format!("expected {expected}, seen {seen}"))
}

/// A guest, the build that WITH names, only has to understand `serve`, and may make other calls.
pub fn is_guest(build: &Build) -> bool {
    builds().iter().all(|ours| ours.path != build.path)
}
