//! `make kernels`: compare, rules and abi on this kernel and on a second one, in one table.
//!
//! The second one is Debian's user-mode-linux, a kernel that runs as a process and has this machine's root
//! file system. The builds run there unchanged.
//!
//! Environment: `COMPARE=PATH`, the program of `make compare`; `KERNEL=PATH`, another user-mode kernel.

#[path = "../support/mod.rs"]
mod support;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use support::{Result, builds, is_before_6_8, prepare_child, text, tool};

/// The script for each kernel: each file gets the output of a program and then its exit status.
const TRIAL: &str = r#"#!/bin/sh
run() { name=$1; shift; "$@" >"$OUT/$name" 2>&1; echo "status $?" >>"$OUT/$name"; }
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

/// The rows of a kernel: the claim, and what both builds did. The first row is the heading.
type Column = Vec<(String, String)>;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    let _ = fs::remove_dir_all(&folder);
    let (mut columns, mut errors) = (Vec::new(), Vec::new());
    for name in ["this", "other"] {
        let folder = folder.join(name);
        let tried = try_kernel(&folder, name == "other");
        let column = tried.and_then(|()| read_column(&folder, &mut errors));
        match column {
            Ok(column) => columns.push(column),
            Err(reason) => errors.push(format!("{name} kernel: {reason}")),
        }
    }
    // All kernels have the same rows.
    for (row, (claim, _)) in columns.first().into_iter().flatten().enumerate() {
        let cells = columns.iter().filter_map(|column| column.get(row));
        let cells: String = cells.map(|(_, cell)| format!("{cell:<21}")).collect();
        println!("{}", format!("{claim:<37}{cells}").trim_end());
    }
    println!("\n~: the page's claim does not hold there.");
    for reason in &errors {
        println!("{reason}");
    }
    u8::from(!errors.is_empty()).into()
}

/// Runs the trial in `folder`, on this kernel or on the second one.
fn try_kernel(folder: &Path, second: bool) -> Result<()> {
    let (trial, init) = (folder.join("trial"), folder.join("init"));
    fs::create_dir_all(folder).map_err(text)?;
    fs::write(&trial, TRIAL).map_err(text)?;
    fs::write(&init, INIT).map_err(text)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).map_err(text)?;
    let compare = env::var("COMPARE").map_err(|_| "COMPARE is not set: make kernels")?;
    let compare = fs::canonicalize(&compare).map_err(|error| format!("{compare}: {error}"))?;
    let places = [
        ("OUT", folder),
        ("C", &builds()[0].path),
        ("RUST", &builds()[1].path),
        ("COMPARE", compare.as_path()),
    ];

    let mut command = Command::new("timeout");
    command.arg("300").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if second {
        let debian = || tool("linux.uml", "user-mode-linux");
        command.arg(env::var_os("KERNEL").map_or_else(debian, PathBuf::from));
        command.args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw"]);
        command.args(["mem=512M", "con=null", "con0=null,fd:1", "quiet"]);
        command.arg(format!("uml_dir={}/", folder.display()));
        command.arg(format!("init={}", init.display()));
        // The kernel passes parameters that it does not know to init, as its environment.
        command.args(places.map(|(name, path)| format!("{name}={}", path.display())));
    } else {
        command.arg("sh").arg(trial).envs(places);
    }
    prepare_child(&mut command);
    let status = command.status();
    status
        .map(drop)
        .map_err(|error| format!("timeout: {error}"))
}

/// Reads the results in `folder`.
fn read_column(folder: &Path, errors: &mut Vec<String>) -> Result<Column> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let kernel = read("kernel")?;
    let kernel = kernel.lines().next().unwrap_or_default();
    let mut fail = |reason| errors.push(format!("{kernel}: {reason}"));
    let report = read("compare")?;
    let mut column = vec![("claim".into(), kernel.into())];
    column.extend(report_cells(&report));
    if column.len() == 1 {
        return Err(format!("{kernel}: no report: {report:?}"));
    }
    if !report.ends_with("\nstatus 0\n") {
        let end: Vec<&str> = report.lines().rev().take(2).collect();
        fail(format!("the report ends with: {end:?}"));
    }
    for (program, what) in [
        ("rules", "rules: cells against the rule"),
        ("all", "rules --all: rows against the rule"),
        ("abi", "abi: unexpected results"),
    ] {
        let c = read(&format!("C.{program}"))?;
        if c != read(&format!("RUST.{program}"))? {
            fail(format!("{what}: C and Rust differ"));
        }
        let (wrong, all) = counts(&c).ok_or_else(|| format!("{what}: no count in {c:?}"))?;
        // Before 6.8, a port whose sockets all had the option at their bind was not checked again, even if
        // the option had been cleared since.
        let known = usize::from(program == "rules" && is_before_6_8(kernel));
        if wrong != known {
            fail(format!("{what}: expected {known}, seen {wrong}"));
        }
        column.push((what.into(), format!("{wrong} of {all}")));
    }
    Ok(column)
}

/// The rows of the report: the claim and what both builds did, with ~ where the page's claim does not
/// hold.
fn report_cells(report: &str) -> Column {
    let lines = report.lines();
    let mut lines = lines.skip_while(|line| !line.starts_with("claim "));
    let header = lines.next().unwrap_or_default();
    let [c, rust, page] = [" C ", " Rust", " page"].map(|name| header.find(name).unwrap_or(0) + 1);
    let rows = lines.take_while(|line| !line.is_empty());
    let rows = rows.filter(|line| !line.starts_with(' ') && line.is_char_boundary(page));
    let cells = rows.map(|line| {
        let cells = [&line[..c], &line[c..rust], &line[rust..page], &line[page..]];
        let [claim, c, rust, page] = cells.map(str::trim_end);
        let other = if c == rust {
            ""
        } else {
            &format!(", Rust {rust}")
        };
        let mark = if page == "differs" { " ~" } else { "" };
        (claim.into(), format!("{c}{other}{mark}"))
    });
    cells.collect()
}

/// The number of wrong results in an output, and of all. rules ends with both: "136 cells; 0 contradict the
/// rule."; abi ends with the first, and has a line for each call in section 5.
fn counts(output: &str) -> Option<(usize, usize)> {
    let end = output.lines().rev().nth(1)?; // the exit status is below it
    let numbers = end.split(' ').filter_map(|word| word.parse().ok());
    match numbers.collect::<Vec<usize>>()[..] {
        [all, wrong] if end.ends_with(" the rule.") => Some((wrong, all)),
        [wrong] => {
            let (_, section) = output.split_once("\n5. ")?;
            let calls = section.lines().skip(2).take_while(|line| !line.is_empty());
            Some((wrong, calls.count()))
        }
        _ => None,
    }
}
