//! What our builds have in common beyond the page: the same bytes.

use crate::support::{Build, Result};
use std::process::{Command, Output};

fn run(build: &Build, words: &[&str]) -> Result<Output> {
    Command::new(&build.path)
        .args(words)
        .output()
        .map_err(|error| error.to_string())
}

/// Whether `rules` with `words` ends well and prints what our first build prints; below it, its sum.
pub fn rules(build: &Build, ours: &[Build], words: &[&str]) -> Result<String> {
    if ours.iter().all(|our| our.path != build.path) {
        return Ok("-".into()); // a guest has to understand serve alone
    }
    let output = run(build, words)?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let sum = said.lines().last().unwrap_or_default();
    if !output.status.success() {
        return Err(format!("ends with {}: {sum}", output.status));
    }
    if output.stdout != run(&ours[0], words)?.stdout {
        return Err(format!("prints other bytes than {}", ours[0].name));
    }
    Ok(format!("yes\n{sum}"))
}
