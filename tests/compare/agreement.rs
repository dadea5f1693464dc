//! What our builds have in common beyond the page: the same bytes.

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
    if ours.iter().all(|our| our.path != build.path) {
        return Ok("-".into()); // a guest has to understand serve alone
    }
    let output = run(build, words)?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let sum = said.lines().last().unwrap_or_default();
    let first = run(&ours[0], words)?;
    if (&output.stdout, output.status) != (&first.stdout, first.status) {
        return Err(format!(
            "other bytes or status than {}: {sum}",
            ours[0].name
        ));
    }
    Ok(format!("yes\n{sum}"))
}
