//! `make study`: C and Rust side by side, as pages; and the tests that the files of each pair match, that the
//! READMEs match the code, and that both builds make the same system calls, without which there are no pages.
//!
//! Environment: `STUDY=NAME` prints that pair as well, `COLUMNS` wide (80 to 160).

#[allow(dead_code)] // make compare runs the rows
#[path = "../compare/claims.rs"]
mod claims;
mod columns;
mod counterparts;
mod page;
mod readme;
mod story;
#[path = "../support/mod.rs"]
mod support;

use std::{env, fs, process::ExitCode};
use support::{Result, project, terminal_width, text, tool};

fn main() -> ExitCode {
    // Let SIGPIPE terminate this process when the reader of the columns, such as head(1), exits.
    // SAFETY: no pointers; SIG_DFL installs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let Err(reasons) = study() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("study: {reasons}\nstudy: no page");
    ExitCode::FAILURE
}

/// Checks, runs, and writes the pages, or returns the reasons why there are none.
fn study() -> Result<()> {
    // If this run fails, the pages of an earlier run must not remain.
    let (path, folder) = (project("target/study.html"), project("target/study"));
    let _ = (fs::remove_file(&path), fs::remove_dir_all(&folder));
    tool("strace", "strace");
    let mut wrong = Vec::new();
    let pairs = counterparts::read_pairs(&mut wrong);
    let claims = readme::read_claims(&pairs[0], &mut wrong);
    let name = env::var("STUDY").unwrap_or_default();
    let shown = pairs.iter().find(|pair| pair.name == name);
    if shown.is_none() && !name.is_empty() {
        wrong.push(format!("OF={name}: src/ has no such file"));
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\nstudy: "));
    }
    let calls = story::trace_steps(&pairs[0])?;
    fs::create_dir_all(&folder).map_err(text)?;
    for pair in &pairs[1..] {
        fs::write(folder.join(pair.page()), page::other(pair)).map_err(text)?;
    }
    fs::write(&path, page::serve(&pairs, &calls, &claims)?).map_err(text)?;
    if let Some(pair) = shown {
        let width = terminal_width().min(160);
        print!("{}", columns::columns(pair, &calls, width));
    }
    println!("study: {}", path.display());
    Ok(())
}
