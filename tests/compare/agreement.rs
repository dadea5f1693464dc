//! Our own checks: both builds print the same bytes and make the same system calls.

use super::remedy::traced;
use crate::support::*;

/// Whether the build prints what the C build prints, with the same exit status. The detail is the sum.
pub fn same_bytes(build: &Build, arguments: &[&str]) -> Result<String> {
    if is_guest(build) {
        return Ok("-".into());
    }
    let run = |build: &Build| -> Result<Vec<String>> {
        let output = Command::new(&build.path).args(arguments).output();
        let output = output.map_err(text)?;
        let status = output.status.to_string();
        let all = [&*output.stdout, status.as_bytes(), &output.stderr].join(&b'\n');
        let lines = all.split(|byte| *byte == b'\n');
        Ok(lines.map(|line| line.escape_ascii().to_string()).collect())
    };
    let (expected, seen) = (run(&builds()[0])?, run(build)?);
    same(&expected, &seen)?;
    let is_sum = |line: &&String| line.ends_with(" the rule.") || line.starts_with("unexpected ");
    let sum = seen.iter().rfind(is_sum).ok_or("no sum")?;
    Ok(format!("yes\n{sum}"))
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
