//! `make study`: C and Rust side by side on the terminal; and the test that they are twins.
//!
//! Environment: `STUDY=1` prints the columns on stdout, `COLUMNS` wide (80 to 160).

mod columns;
mod kernel;
#[allow(dead_code)] // the page will use the rest
mod readme;
#[allow(dead_code)]
mod source;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code)]
mod twins;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use support::tool;

fn main() -> ExitCode {
    match study() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reasons) => {
            for reason in reasons {
                eprintln!("study: {reason}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Checks, runs and prints; or says what does not match.
fn study() -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    let twins = twins::read_twins(&mut wrong);
    readme::read_claims(&twins, &mut wrong);
    readme::check_porting(&twins, &mut wrong);
    let serve = match twins.iter().find(|twin| twin.name == "serve") {
        Some(serve) if wrong.is_empty() => serve,
        _ => {
            wrong.dedup(); // several rows of the README may name the same
            return Err(wrong);
        }
    };

    tool("strace", "strace");
    let calls = kernel::trace_steps(serve)?;

    let said = if env::var_os("STUDY").is_some_and(|value| value == "1") {
        let width = env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        columns::columns(&twins, &calls, width.unwrap_or(80_usize).clamp(80, 160))
    } else {
        let parts = twins.iter().flat_map(|twin| &twin.rust.parts);
        format!(
            "study: {} twins, {} functions, {} steps\n",
            twins.len(),
            twins
                .iter()
                .map(|twin| twin.rust.functions().len())
                .sum::<usize>(),
            parts.filter(|part| part.step.is_some()).count()
        )
    };
    match io::stdout().write_all(said.as_bytes()) {
        // Whoever stops reading, as head(1) does, has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(vec![format!("stdout: {error}")])
        }
        _ => Ok(()),
    }
}
