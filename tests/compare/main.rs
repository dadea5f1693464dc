//! `make compare`: tries each claim of the page with each build on this kernel, and reports.
//! Environment: `WITH=PATH` adds a third build; `SLOW=1` waits until TIME_WAIT is over.

#[path = "claims.rs"] // a module of the suite and of tests/study as well
mod claims;
#[path = "report.rs"] // a module of the suite as well
mod report;
#[path = "../support/mod.rs"]
mod support;

use claims::{CLAIMS, Claim, SLOW};
use report::report;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::{env, fs};
use support::{Build, PORT, Result, builds, port_is_free, tool};

fn main() -> ExitCode {
    // Let SIGPIPE terminate this process when the reader of the report, such as head(1), exits.
    // SAFETY: no pointers; SIG_DFL installs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    tool("strace", "strace");
    let guest = match port_is_free(PORT).and_then(|()| guest()) {
        Ok(guest) => guest,
        Err(reason) => {
            eprintln!("compare: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let slow = env::var_os("SLOW").is_some_and(|value| value == "1");
    let rows = CLAIMS.iter().filter(|claim| slow || claim.text != SLOW);
    let rows: Vec<&Claim> = rows.collect();
    let columns = [&builds()[..], &guest].concat();
    report(&rows, &columns, &mut |text| println!("{text}")).into()
}

/// The guest: the build that `WITH` names, or none.
fn guest() -> Result<Vec<Build>> {
    let Some(path) = env::var_os("WITH").filter(|path| !path.is_empty()) else {
        return Ok(Vec::new());
    };
    let path = fs::canonicalize(&path).map_err(|error| format!("WITH={path:?}: {error}"))?;
    let data = path.metadata();
    if !data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0) {
        return Err(format!("WITH={}: not a program", path.display()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.chars().take(11).collect();
    Ok(vec![Build { name, path }])
}
