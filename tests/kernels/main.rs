//! `make kernels`: compare, rules and abi on this kernel and on a second one, in one table.
//!
//! The second one is Debian's user-mode-linux, a kernel that runs as a process and has this machine's root
//! file system. The builds run there unchanged.
//!
//! Environment: `COMPARE=PATH`, the program of `make compare`; `KERNEL=PATH`, another user-mode kernel.

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use support::{Result, builds, is_before_6_8, prepare_child, tool};

/// The script for each kernel: each file gets the output of a program and then its exit status.
const TRIAL: &str = r#"#!/bin/sh
run() { name=$1; shift; "$@" >"$OUT/$name" 2>/dev/null; echo "status $?" >>"$OUT/$name"; }
run kernel uname -r
run compare "$COMPARE"
for build in C RUST; do
    eval "path=\$$build"
    run "$build.rules" "$path" rules
    run "$build.all" "$path" rules --all
    run "$build.abi" "$path" abi
done
"#;

/// The second kernel's init: prepares the system, runs the trial and powers off.
const INIT: &str = r#"#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
ip link set lo up
exec </dev/null
sh "$OUT/trial"
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
"#;

/// The results of a kernel.
struct Column {
    kernel: String,
    /// The rows: the claim, and what both builds did.
    cells: Vec<(String, String)>,
    errors: Vec<String>,
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    let _ = fs::remove_dir_all(&folder);
    let (mut columns, mut errors) = (Vec::new(), Vec::new());
    for name in ["this", "other"] {
        match try_kernel(&folder.join(name), name == "other") {
            Ok(column) => columns.push(column),
            Err(reason) => errors.push(format!("{name} kernel: {reason}")),
        }
    }
    print_table(&columns);
    for Column {
        kernel,
        errors: new,
        ..
    } in &columns
    {
        errors.extend(new.iter().map(|reason| format!("{kernel}: {reason}")));
    }
    for reason in &errors {
        println!("{reason}");
    }
    u8::from(!errors.is_empty()).into()
}

/// Runs the trial in `folder`, on this kernel or on the second one.
fn try_kernel(folder: &Path, second: bool) -> Result<Column> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let trial = write_script(folder, "trial", TRIAL)?;
    let init = write_script(folder, "init", INIT)?;
    let compare = std::env::var("COMPARE").map_err(|_| "COMPARE is not set: make kernels")?;
    let compare = fs::canonicalize(&compare).map_err(|error| format!("{compare}: {error}"))?;
    let places = [
        ("OUT", folder),
        ("C", &builds()[0].path),
        ("RUST", &builds()[1].path),
        ("COMPARE", compare.as_path()),
    ];

    let mut command = Command::new("timeout");
    command
        .arg("300")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if second {
        let kernel = match std::env::var_os("KERNEL") {
            Some(path) => PathBuf::from(path),
            None => tool("linux.uml", "user-mode-linux"),
        };
        command
            .arg(kernel)
            .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"]);
        command.args(["mem=512M", "con=null", "con0=null,fd:1", "quiet"]);
        command.arg(format!("uml_dir={}/", folder.display()));
        command.arg(format!("init={}", init.display()));
        // The kernel passes parameters that it does not know to init, as its environment.
        command.args(places.map(|(name, path)| format!("{name}={}", path.display())));
    } else {
        command.arg("sh").arg(trial).envs(places);
    }
    prepare_child(&mut command);
    command
        .status()
        .map_err(|error| format!("timeout: {error}"))?;
    read_column(folder)
}

fn write_script(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// Reads the results in `folder`.
fn read_column(folder: &Path) -> Result<Column> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let kernel = read("kernel")?
        .lines()
        .next()
        .unwrap_or_default()
        .to_string();
    let report = read("compare")?;
    let mut cells = report_cells(&report);
    let mut errors = Vec::new();
    if cells.is_empty() {
        return Err(format!("{kernel}: no report: {report:?}"));
    }
    if !report.ends_with("\nstatus 0\n") {
        let end: Vec<&str> = report.lines().rev().take(2).collect();
        errors.push(format!("the report ends with: {end:?}"));
    }
    for (program, what, count) in [
        (
            "rules",
            "rules: cells against the rule",
            count_cells as fn(&str) -> _,
        ),
        ("all", "rules --all: rows against the rule", count_rows),
        ("abi", "abi: unexpected results", count_calls),
    ] {
        let [c, rust] = [
            read(&format!("C.{program}"))?,
            read(&format!("RUST.{program}"))?,
        ];
        if c != rust {
            errors.push(format!("{what}: C and Rust differ"));
        }
        let (wrong, all) = count(&c).ok_or_else(|| {
            format!(
                "{what}: no count at the end of {:?}",
                c.lines().rev().nth(1)
            )
        })?;
        // Before 6.8, a port whose sockets all had the option at their bind was not checked again, even if
        // the option had been cleared since.
        let known = usize::from(program == "rules" && is_before_6_8(&kernel));
        if wrong != known {
            errors.push(format!("{what}: expected {known}, seen {wrong}"));
        }
        cells.push((what.into(), format!("{wrong} of {all}")));
    }
    Ok(Column {
        kernel,
        cells,
        errors,
    })
}

/// The rows of the report: the claim and what both builds did, with ~ where the page's claim does not
/// hold.
fn report_cells(report: &str) -> Vec<(String, String)> {
    let mut lines = report
        .lines()
        .skip_while(|line| !line.starts_with("claim "));
    let header = lines.next().unwrap_or_default();
    let [c, rust, page] = [" C ", " Rust", " page"].map(|name| header.find(name).unwrap_or(0) + 1);
    let rows = lines.take_while(|line| !line.is_empty());
    let rows = rows.filter(|line| !line.starts_with(' ') && line.is_char_boundary(page));
    let cells = rows.map(|line| {
        let [c_cell, rust_cell, page_cell] =
            [&line[c..rust], &line[rust..page], &line[page..]].map(str::trim);
        let mut cell = c_cell.to_string();
        if c_cell != rust_cell {
            cell += &format!(", Rust {rust_cell}");
        }
        if page_cell.starts_with("differs") {
            cell += " ~";
        }
        (line[..c].trim_end().to_string(), cell)
    });
    cells.collect()
}

/// Of rules: "136 cells; 0 contradict the rule."
fn count_cells(text: &str) -> Option<(usize, usize)> {
    let line = text
        .lines()
        .find(|line| line.contains(" the rule.") && line.contains(" cells; "))?;
    let (all, rest) = line.split_once(" cells; ")?;
    Some((rest.split(' ').next()?.parse().ok()?, all.parse().ok()?))
}

/// Of rules --all: the rows whose results are not the predicted ones, and all.
fn count_rows(text: &str) -> Option<(usize, usize)> {
    let rows = text.lines().skip(1).filter(|line| line.contains(','));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split(',').collect()).collect();
    let wrong = rows.iter().filter(|row| row.get(7..9) != row.get(9..11));
    Some((wrong.count(), rows.len()))
}

/// Counts in the output of abi: the number at the end of its last line, and the calls, one line each
/// in section 5.
fn count_calls(text: &str) -> Option<(usize, usize)> {
    let (_, section) = text.split_once("\n5. ")?;
    let calls = section.lines().skip(2).take_while(|line| !line.is_empty());
    let last = section.lines().rev().nth(1)?; // the exit status is below it
    Some((last.rsplit(' ').next()?.parse().ok()?, calls.count()))
}

/// A row for each claim, a column for each kernel.
fn print_table(columns: &[Column]) {
    let kernels = columns.iter().map(|column| &*column.kernel);
    print_row("claim", kernels);
    // All kernels have the same rows.
    for (row, (claim, _)) in columns.iter().flat_map(|column| &column.cells).enumerate() {
        let cells: Vec<&str> = columns
            .iter()
            .filter_map(|column| column.cells.get(row).map(|(_, cell)| &**cell))
            .collect();
        if !cells.is_empty() {
            print_row(claim, cells.into_iter());
        }
    }
    println!("\n~: the page's claim does not hold there.");
}

fn print_row<'a>(claim: &str, cells: impl Iterator<Item = &'a str>) {
    let row = cells.fold(format!("{claim:<37}"), |row, cell| {
        format!("{row}{cell:<21}")
    });
    println!("{}", row.trim_end());
}
