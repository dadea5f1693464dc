//! `make study`: C and Rust side by side, as a page and on the terminal; and the test that they are twins.
//!
//! The page is made of what has been checked and run: where the twins or the README do not match, where a
//! build does other than the table of system calls says, or where the figure's story fails, there is no
//! page, and a sentence on stderr for each reason.
//!
//! Environment: `STUDY=1` prints the columns on stdout as well, `COLUMNS` wide (80 to 160).

#[path = "../compare/claims.rs"]
mod claims;
mod columns;
mod counterparts;
mod figure;
mod kernel;
mod moments;
mod outcome;
mod page;
mod readme;
mod source;
#[path = "../support/mod.rs"]
mod support;

use page::Study;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use support::{builds, release, tool};

fn main() -> ExitCode {
    match study() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reasons) => {
            for reason in reasons {
                eprintln!("study: {reason}");
            }
            eprintln!("study: no page");
            ExitCode::FAILURE
        }
    }
}

/// Checks, runs, and writes the page; or says why there is none.
fn study() -> Result<(), Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/study.html");
    let failed = |error: io::Error| vec![format!("{}: {error}", path.display())];
    // An earlier run's page must not be taken for this one's.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }

    let mut wrong = Vec::new();
    let twins = counterparts::read_twins(&mut wrong);
    let claims = readme::read_claims(&twins, &mut wrong);
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
    let moments = moments::live_through(&builds()[1]);
    let moments = moments.map_err(|reason| vec![format!("Figure 12.1: {reason}")])?;
    let html = page::page(&Study {
        twins: &twins,
        calls: &calls,
        moments: &moments,
        claims: &claims,
        outcomes: &outcome::try_claims(),
        seen_on: format!("Linux {} on {}", release(), today()),
    });
    fs::write(&path, html).map_err(failed)?;

    let said = if env::var_os("STUDY").is_some_and(|value| value == "1") {
        eprintln!("study: {}", path.display());
        let width = env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        columns::columns(&twins, &calls, width.unwrap_or(80_usize).clamp(80, 160))
    } else {
        let parts = twins.iter().flat_map(|twin| &twin.rust.parts);
        format!(
            "study: {} twins, {} functions, {} steps: target/study.html\n",
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

/// The date, as date(1) says it.
fn today() -> String {
    let date = Command::new("date").arg("+%F").output();
    date.map_or_else(
        |_| "no date".into(),
        |date| String::from_utf8_lossy(&date.stdout).trim().into(),
    )
}
