//! `make compare`: tries each claim of the page with each build on this kernel, and reports.
//!
//! Environment: `WITH=PATH` adds a third build; `SLOW=1` waits until TIME_WAIT is over.

#[path = "claims.rs"] // a module of tests/study as well
mod claims;
#[path = "../support/mod.rs"]
mod support;

use claims::{CLAIMS, Claim, SLOW};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use support::{Build, PORT, Result, builds, in_order, port_is_free, release, tool, wrapped};

const HEAD: &str = "\
Claim ids: F Figure 12.1, T trouble, R remedy, C condition, K code.
Last column: does the page's claim hold on Linux? -: a check of our own.
";

const DIFFERS: &str = "
differs: a child that is killed closes its connection before the client does.
The connection stays in FIN_WAIT2 (60 s, tcp_fin_timeout) or, once the client
closes, in TIME_WAIT (60 s). Until then, bind without the option fails.";

fn main() -> ExitCode {
    // Let SIGPIPE terminate this process when the reader of the report, such as head(1), exits.
    // SAFETY: no pointers; SIG_DFL installs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    tool("strace", "strace");
    let columns = port_is_free(PORT)
        .map_err(|reason| (1, reason))
        .and_then(|()| Ok([&builds()[..], &guest().map_err(|reason| (2, reason))?].concat()));
    match columns {
        Ok(columns) => report(&columns),
        Err((status, reason)) => {
            eprintln!("compare: {reason}");
            status.into()
        }
    }
}

/// The build that `WITH` names, or none.
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

/// Tries all rows with all builds and prints the report.
fn report(columns: &[Build]) -> ExitCode {
    let slow = env::var_os("SLOW").is_some_and(|value| value == "1");
    let rows = CLAIMS.iter().filter(|claim| slow || claim.text != SLOW);
    let rows: Vec<&Claim> = rows.collect();
    println!("The page's claims on Linux {}\n{HEAD}", release());
    print_line(
        "claim",
        columns.iter().map(|build| build.name.clone()),
        "page",
    );

    let width = columns.len();
    let mut sums = Sums::default();
    let mut cells = Vec::new();
    in_order(
        rows.len() * width,
        |number| (rows[number / width].run)(&columns[number % width]),
        |number, cell| {
            cells.push(cell);
            if cells.len() == width {
                sums.print_row(rows[number / width], &cells, columns);
                cells.clear();
            }
        },
    );
    sums.print(slow);
    u8::from(sums.unexpected > 0).into()
}

fn print_line(text: &str, cells: impl Iterator<Item = String>, page: &str) {
    let cells: String = cells.map(|cell| format!("{cell:<12}")).collect();
    println!("{text:<37}{cells}{page}");
}

/// Counts of what has been printed: rows, but for `unexpected`, which counts cells.
#[derive(Default)]
struct Sums {
    rows: usize,
    ids: BTreeSet<&'static str>,
    own: usize,
    holds: usize,
    differs: usize,
    builds_differ: usize,
    unexpected: usize,
}

impl Sums {
    /// Prints a row. The two builds of this project decide whether the page's claim holds.
    fn print_row(&mut self, claim: &Claim, row: &[Result<String>], builds: &[Build]) {
        let expected = |value: &str| value == claim.linux || value == "-"; // -: not tried
        let (mut values, mut details) = (Vec::new(), Vec::new());
        for (cell, build) in row.iter().zip(builds) {
            let (value, detail) = match cell {
                Ok(text) => text.split_once('\n').unwrap_or((text, "")),
                Err(reason) => ("failed", &**reason),
            };
            let detail = match cell {
                Ok(_) if !expected(value) => format!("expected {}, seen {value}", claim.linux),
                Err(_) if claim.linux != "yes" => {
                    format!("expected {}, seen: {detail}", claim.linux)
                }
                _ => detail.to_string(),
            };
            values.push(value);
            details.extend(Some((&build.name, detail)).filter(|(_, detail)| !detail.is_empty()));
        }

        let page = if claim.page.is_empty() {
            self.own += 1;
            "-"
        } else if !values[..2].iter().all(|value| expected(value)) {
            "?"
        } else if claim.page == claim.linux {
            self.holds += 1;
            "holds"
        } else {
            self.differs += 1;
            "differs"
        };
        self.rows += 1;
        self.ids.extend(claim.text.get(..2).filter(|_| page != "-"));
        self.unexpected += values.iter().filter(|value| !expected(value)).count();
        let tried: BTreeSet<_> = values.iter().filter(|value| **value != "-").collect();
        self.builds_differ += usize::from(tried.len() > 1);

        let cells = values.iter().map(|value| {
            let mark = if expected(value) { "" } else { "!" };
            format!("{mark}{value}")
        });
        print_line(claim.text, cells, page);
        let shared = details.len() > 1 && details.iter().all(|detail| detail.1 == details[0].1);
        if shared {
            details.truncate(1);
        }
        for (name, detail) in details {
            let name = if shared { "" } else { &format!("{name}: ") };
            println!(
                "{}",
                wrapped(&format!("      {name}{detail}"), 80).join("\n")
            );
        }
    }

    fn print(&self, slow: bool) {
        if self.differs > 0 {
            println!("{DIFFERS}");
        }
        if self.differs > 0 && !slow {
            println!("make compare SLOW=1 restarts the server after TIME_WAIT as well.");
        }
        let agree = match self.builds_differ {
            0 => "the builds agree in all".to_string(),
            count => format!("the builds differ in {count}"),
        };
        let tested = self.rows - self.own;
        let undecided = match tested - self.holds - self.differs {
            0 => String::new(),
            count => format!(", {count} are undecided (?)"),
        };
        println!(
            "\n{} rows: {agree}. Of the {tested} rows on the page's {} claims,\n\
             {} hold and {} do not{undecided}; {} rows are our own checks (-).",
            self.rows,
            self.ids.len(),
            self.holds,
            self.differs,
            self.own
        );
        if self.unexpected > 0 {
            println!(
                "Unexpected cells (!): {}; the reason is below each row.",
                self.unexpected
            );
        }
    }
}
