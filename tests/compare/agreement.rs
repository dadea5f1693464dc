//! What our builds have in common beyond the page: the same bytes.

use crate::remedy::traced;
use crate::support::{Build, Result};
use std::process::{Command, Output};

fn run(build: &Build, words: &[&str]) -> Result<Output> {
    Command::new(&build.path)
        .args(words)
        .output()
        .map_err(|error| error.to_string())
}

/// Whether with `words` a build prints what our first build prints and ends as it does; below it, the
/// last line. What the kernel contradicts shows there, and in the tests; here the builds are compared.
pub fn same_bytes(build: &Build, ours: &[Build], words: &[&str]) -> Result<String> {
    if is_guest(build, ours) {
        return Ok("-".into());
    }
    let output = run(build, words)?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let sum = said.lines().last().unwrap_or_default();
    let first = run(&ours[0], words)?;
    let expected = String::from_utf8_lossy(&first.stdout);
    let mut lines = said.lines().zip(expected.lines());
    if let Some((line, expected)) = lines.find(|(line, expected)| line != expected) {
        return Err(format!("{line:?}, and {}: {expected:?}", ours[0].name));
    }
    if (&output.stdout, output.status) != (&first.stdout, first.status) {
        return Err(format!(
            "other bytes or status than {}: {sum}",
            ours[0].name
        ));
    }
    Ok(format!("yes\n{sum}"))
}

/// Whether a build makes the calls of our first build until it listens, argument by argument.
pub fn same_calls(build: &Build, ours: &[Build]) -> Result<String> {
    if is_guest(build, ours) {
        return Ok("-".into());
    }
    let ((_server, calls), (_first, expected)) = (traced(build, true)?, traced(&ours[0], true)?);
    let mut pairs = calls.iter().zip(&expected);
    match pairs.find(|(call, expected)| call != expected) {
        Some((call, expected)) => Err(format!("{call}, and {}: {expected}", ours[0].name)),
        None if calls.len() != expected.len() => Err("more calls, or fewer".into()),
        None => Ok("yes".into()),
    }
}

/// A guest has to understand `serve` alone, and may make other calls.
pub fn is_guest(build: &Build, ours: &[Build]) -> bool {
    ours.iter().all(|our| our.path != build.path)
}
