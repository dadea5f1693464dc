//! `make trace A=PROGRAM B=PROGRAM`: two programs, such as a C server and its port, in the same session under
//! strace. src/porting/README.md describes what is compared.

use crate::pairs::*;
use crate::support::*;
use std::collections::BTreeSet;
use std::process::Command;
use std::{env, fs};

/// C's stdout is line-buffered, as on a terminal (what stdbuf -oL does), and setlocale(3) reads no files.
const LINES: &str = "-E LC_ALL=C -E LD_PRELOAD=/usr/libexec/coreutils/libstdbuf.so -E _STDBUF_O=L";

/// Waits until each process has ended or, at `looks` looks in a row, waits in a call. Returns those that wait.
fn settle(run: &Run, looks: u32) -> Result<BTreeSet<i32>> {
    let mut same = 0;
    wait_for("program that ends or waits", || {
        let files = fs::read_dir(&run.folder).ok()?.flatten();
        let pids = files.filter_map(|file| file.path().extension()?.to_str()?.parse().ok());
        let state = |pid: &i32| process(*pid).map_or('Z', |(state, _)| state);
        let pids: BTreeSet<i32> = pids.filter(|pid| state(pid) != 'Z').collect();
        let all_wait = pids.iter().all(|pid| state(pid) == 'S');
        same = if all_wait { same + 1 } else { 0 };
        (same == looks || pids.is_empty()).then_some(pids)
    })
}

/// The calls of a program that ends by itself, or is terminated after the session.
fn calls(program: &str, args: &str, session: &str) -> Result<Vec<String>> {
    fs::metadata(program).map_err(|error| format!("{program}: {error}"))?;
    let (name, path) = (String::new(), program.into());
    let args: Vec<&str> = args.split_whitespace().collect();
    let mut run = Run::start(&Build { name, path }, &args, LINES)?;
    run.name(program, "PATH");
    drop(run.program.process.stdin.take());
    run.makes(1, "execve(")?;
    settle(&run, if session.is_empty() { 500 } else { 25 })?;
    let mut shell = Command::new("timeout");
    shell.args(["60", "sh", "-c", session]);
    let shell = shell.env("PID", run.pid().to_string()).status();
    while let Some(pid) = settle(&run, 25)?.first() {
        send_signal(*pid, libc::SIGTERM)?;
        finished_trace(&run.folder.join(format!("calls.{pid}")))?;
    }
    let outcome = run.finish()?;
    eprint!("{}", outcome.stderr);
    let status = shell.map_err(text)?;
    let failed = || format!("SESSION: {status}");
    status.success().then_some(outcome.calls).ok_or_else(failed)
}

/// The calls of both lists in rows, with as many equal ones as possible side by side.
fn rows<'a>(a: &'a [String], b: &'a [String]) -> Vec<[&'a str; 2]> {
    let mut equal = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let rest = equal[i + 1][j].max(equal[i][j + 1]);
            let both = equal[i + 1][j + 1] + 1;
            equal[i][j] = if a[i] == b[j] { both } else { rest };
        }
    }
    let cell = |shown, call: &'a String| if shown { call } else { "-" };
    let (mut i, mut j, mut rows) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        let both = a[i] == b[j] || equal[i + 1][j + 1] == equal[i][j];
        let left = both || equal[i + 1][j] == equal[i][j];
        let right = both || !left;
        rows.push([cell(left, &a[i]), cell(right, &b[j])]);
        (i, j) = (i + usize::from(left), j + usize::from(right));
    }
    rows.extend(a[i..].iter().map(|call| [call, "-"]));
    rows.extend(b[j..].iter().map(|call| ["-", call]));
    rows
}

/// Prints the calls of two programs side by side, and fails if they differ.
fn compare([a, b]: [&str; 2], args: &str, session: &str) -> Result<()> {
    let (a, b) = (calls(a, args, session)?, calls(b, args, session)?);
    let rows = rows(&a, &b);
    rows.iter().for_each(|[left, right]| print_row(left, right));
    match rows.iter().filter(|[left, right]| left != right).count() {
        0 => Ok(()),
        different => Err(format!("{different} calls differ")),
    }
}

#[test]
#[ignore = "make trace A=PROGRAM B=PROGRAM"]
fn a_and_b_make_the_same_system_calls() -> Result<()> {
    let names = ["A", "B", "ARGS", "SESSION"];
    let [a, b, args, session] = names.map(|name| env::var(name).unwrap_or_default());
    println!("\n  A: {a}\n  B: {b}");
    compare([&a, &b], &args, &session)
}

#[test]
fn two_programs_are_compared_call_by_call() {
    let (address, nc) = (fresh_address(), tool("nc.openbsd", "netcat-openbsd"));
    let session = format!(
        "printf hi | {} -N {} {PORT} >/dev/null",
        nc.display(),
        address.ip()
    );
    let [c, rust] = builds().each_ref().map(|build| build.path.to_str());
    let serve = [c.unwrap(), rust.unwrap()];
    assert_eq!(
        compare(serve, &format!("serve {address}"), &session),
        Ok(())
    );
    let different = compare(["/bin/true", "/bin/false"], "", "");
    assert_eq!(different, Err("2 calls differ".into()));

    let calls = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    let (a, b) = (calls("abce"), calls("bxde"));
    assert_eq!(rows(&a, &b).concat().concat(), "a-bbcx-dee");
}
