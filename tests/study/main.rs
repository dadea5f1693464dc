//! `make study`: C and Rust side by side, as a page and on the terminal; and the test that each file has
//! its counterpart.
//!
//! The page is written only if the files of each pair match, the READMEs match the code, both builds make
//! the system calls in the table, and Figure 12.1 can be run. Otherwise each reason is a line on stderr.
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
use std::process::{Command, ExitCode};
use support::{builds, project, release, terminal_width, tool};

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

/// Checks, runs, and writes the page, or returns the reasons why there is none.
fn study() -> Result<(), Vec<String>> {
    let path = project("target/study.html");
    let failed = |error: io::Error| vec![format!("{}: {error}", path.display())];
    // If this run fails, the page of an earlier run must not remain.
    let removed = fs::remove_file(&path);
    removed.or_else(|error| {
        if path.exists() {
            Err(failed(error))
        } else {
            Ok(())
        }
    })?;

    let mut wrong = Vec::new();
    let pairs = counterparts::read_pairs(&mut wrong);
    let claims = readme::read_claims(&pairs, &mut wrong);
    readme::check_porting(&mut wrong);
    let serve = pairs.iter().find(|pair| pair.name == "serve");
    let Some(serve) = serve.filter(|_| wrong.is_empty()) else {
        return Err(wrong);
    };

    tool("strace", "strace");
    let calls = kernel::trace_steps(serve)?;
    let moments = moments::run_story(&builds()[1]);
    let moments = moments.map_err(|reason| vec![format!("Figure 12.1: {reason}")])?;
    let html = page::page(&Study {
        pairs: &pairs,
        calls: &calls,
        moments: &moments,
        claims: &claims,
        outcomes: &outcome::try_claims(),
        seen_on: format!("Linux {} on {}", release(), today()),
    });
    fs::write(&path, html).map_err(failed)?;

    let text = if env::var_os("STUDY").is_some_and(|value| value == "1") {
        eprintln!("study: {}", path.display());
        columns::columns(&pairs, &calls, terminal_width().min(160))
    } else {
        let parts = pairs.iter().flat_map(|pair| &pair.rust.parts);
        let functions = pairs.iter().map(|pair| pair.rust.functions().len());
        format!(
            "study: {} pairs, {} functions, {} steps: target/study.html\n",
            pairs.len(),
            functions.sum::<usize>(),
            parts.filter(|part| part.step.is_some()).count()
        )
    };
    match io::stdout().write_all(text.as_bytes()) {
        // The reader, such as head(1), has exited.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(vec![format!("stdout: {error}")])
        }
        _ => Ok(()),
    }
}

/// The date, from date(1).
fn today() -> String {
    let date = Command::new("date").arg("+%F").output();
    let date = date.map_or("no date".into(), |date| date.stdout);
    String::from_utf8_lossy(&date).trim().into()
}
