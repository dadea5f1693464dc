//! The report of `make compare`: each claim of the page, in each build, on this kernel.
//!
//! Environment: `WITH=PATH` adds a build of somebody's own; `SLOW=1` waits for TIME_WAIT's end.

mod agreement;
mod claims;
mod remedy;
mod setting;
#[path = "../support/mod.rs"]
mod support;
mod trouble;

use claims::{CLAIMS, Claim, SLOW};
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use support::{Build, PORT, Result, builds, port_is_free, tool};

/// Scenarios that run at the same time. One that hangs holds up its own worker until its deadline.
const WORKERS: usize = 8;

const DIFFERS: &str = "
differs: a child that is killed closes before its client does. Its connection
stays in FIN_WAIT2 (tcp_fin_timeout, 60 s, if no process has it), or, once the
client closes, in TIME_WAIT (60 s); until then bind without the option fails.";

const UNEXPECTED: &str = "
!: not what Linux is expected to show; a reason may stand below the row.";

fn main() -> ExitCode {
    // Whoever stops reading the report, as head(1) does, ends it without a word.
    // SAFETY: SIG_DFL installs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    tool("strace", "strace");
    if let Err(reason) = port_is_free(PORT) {
        eprintln!("compare: {reason}");
        return ExitCode::FAILURE;
    }
    let ours = builds();
    let mut columns = ours.to_vec();
    match guest() {
        Ok(guest) => columns.extend(guest),
        Err(reason) => {
            eprintln!("compare: {reason}");
            return ExitCode::from(2);
        }
    }
    let slow = env::var_os("SLOW").is_some_and(|value| value == "1");
    let rows: Vec<&Claim> = CLAIMS
        .iter()
        .filter(|claim| slow || claim.text != SLOW)
        .collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");

    println!("The page on Linux {}\n", kernel.trim());
    let names = columns.iter().map(|build| build.name.clone());
    print_line("claim", names, "page");

    let mut report = Report::default();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (sender, next, rows, columns) = (sender.clone(), &next, &rows, &columns);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let (row, column) = (index / columns.len(), index % columns.len());
                    let Some(claim) = rows.get(row) else { break };
                    let cell = (claim.run)(&columns[column], ours);
                    sender.send((row, column, cell)).expect("main receives");
                }
            });
        }
        drop(sender);

        // The rows end in any order, and are printed in the page's.
        let mut cells = vec![vec![None; columns.len()]; rows.len()];
        let mut printed = 0;
        for (row, column, cell) in receiver {
            cells[row][column] = Some(cell);
            while printed < rows.len() && cells[printed].iter().all(Option::is_some) {
                let row: Vec<_> = cells[printed].drain(..).flatten().collect();
                report.print_row(rows[printed], &row, &columns, ours.len());
                printed += 1;
            }
        }
    });
    report.print_sums(rows.len(), slow)
}

/// The build that `WITH` names, if it does.
fn guest() -> Result<Option<Build>> {
    let Some(path) = env::var_os("WITH").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = fs::canonicalize(&path).map_err(|error| format!("WITH={path:?}: {error}"))?;
    let program = path
        .metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    if !program {
        return Err(format!("WITH={}: not a program", path.display()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(Build {
        name: name.chars().take(11).collect(),
        path,
    }))
}

fn print_line(text: &str, cells: impl Iterator<Item = String>, page: &str) {
    let cells: String = cells.map(|cell| format!("{cell:<12}")).collect();
    println!("{text:<37}{cells}{page}");
}

/// Sums of what has been printed.
#[derive(Default)]
struct Report {
    unexpected: usize,
    different: usize,
    holds: usize,
    differs: usize,
}

impl Report {
    /// Prints a row; the first `ours` of `builds` decide how the page stands.
    fn print_row(&mut self, claim: &Claim, row: &[Result<String>], builds: &[Build], ours: usize) {
        // A cell is the first line of what was seen; what follows stands below the row.
        let seen = row.iter().map(|cell| match cell {
            Ok(text) => text.split_once('\n').unwrap_or((text, "")),
            Err(reason) => ("failed", reason.as_str()),
        });
        let (values, below): (Vec<&str>, Vec<&str>) = seen.unzip();
        let expected = |value: &str| value == claim.linux || value == "-"; // "-" was not tried
        let page = match claim.page {
            "" => "-",
            _ if values[..ours].iter().any(|value| !expected(value)) => "?",
            page if page == claim.linux => "holds",
            _ => "differs",
        };
        let mark = |value: &&str| match expected(value) {
            true => value.to_string(),
            false => format!("!{value}"),
        };
        print_line(claim.text, values.iter().map(mark), page);

        let shared = below.iter().all(|text| *text == below[0]);
        for (build, text) in builds
            .iter()
            .zip(&below)
            .filter(|(_, text)| !text.is_empty())
        {
            match shared {
                true => println!("      {text}"),
                false => println!("      {}: {text}", build.name),
            }
            if shared {
                break;
            }
        }

        self.unexpected += values.iter().filter(|value| !expected(value)).count();
        let differs = |value: &&str| *value != values[0] && *value != "-";
        self.different += usize::from(values.iter().any(differs));
        self.holds += usize::from(page == "holds");
        self.differs += usize::from(page == "differs");
    }

    fn print_sums(&self, rows: usize, slow: bool) -> ExitCode {
        if self.differs > 0 {
            println!("{DIFFERS}");
        }
        if self.differs > 0 && !slow {
            println!("make compare SLOW=1 waits for it.");
        }
        if self.unexpected > 0 {
            println!("{UNEXPECTED}");
        }
        println!(
            "\n{rows} rows: builds differ in {}, cells unexpected: {}; \
             the page holds in {}, not in {}",
            self.different, self.unexpected, self.holds, self.differs
        );
        ExitCode::from(u8::from(self.unexpected > 0))
    }
}
