//! `make trace A=PROGRAM B=PROGRAM`: two programs, such as a C server and its port, in the same session under
//! strace. src/porting/README.md describes what is compared.

use crate::pairs::*;
use crate::support::*;
use std::process;

/// Waits until each process has ended or, at `looks` looks in a row, waits in a call. Returns those that wait.
fn settle(run: &Run, looks: u32) -> Result<BTreeSet<i32>> {
    let mut same = 0;
    let settled = wait_for("program that ends or waits", || {
        let files = fs::read_dir(&run.trace.folder.path).ok()?.flatten();
        let pids = files.filter_map(|file| file.path().extension()?.to_str()?.parse().ok());
        let state = |pid: &i32| process(*pid).map_or('Z', |(state, _)| state);
        let pids: BTreeSet<i32> = pids.filter(|pid| state(pid) != 'Z').collect();
        let all_wait = pids.iter().all(|pid| state(pid) == 'S');
        same = if all_wait { same + 1 } else { 0 };
        (same == looks || pids.is_empty()).then_some(pids)
    });
    settled.map_err(|_| "neither ends nor waits".into())
}

/// The calls of a program that ends by itself, or is terminated after the session, and why the session failed.
fn calls(program: &str, args: &str, session: &str) -> Result<(Vec<String>, Option<String>)> {
    fs::metadata(program).map_err(text)?;
    // C's stdout is line-buffered, as on a terminal (stdbuf -oL), and setlocale(3) reads no files. A SIGCHLD
    // that is blocked before sigsuspend(2) is delivered once for all children that end at once.
    let options = "-E LD_PRELOAD=/usr/libexec/coreutils/libstdbuf.so -E _STDBUF_O=L -E LC_ALL=C \
        -e inject=rt_sigsuspend:delay_enter=100000";
    let args: Vec<&str> = args.split_whitespace().collect();
    let mut run = Run::start(Path::new(program), &args, options, Some(&project("")))?;
    run.trace.name(program, "PATH");
    drop(run.program.process.stdin.take());
    run.makes(1, "execve(")?;
    settle(&run, if session.is_empty() { 500 } else { 25 })?;
    let mut shell = Command::new("timeout");
    shell.args(["60", "sh", "-c", session]).stdin(Stdio::null());
    let status = shell.env("PID", run.pid().to_string()).status();
    while let Some(pid) = settle(&run, 25)?.first() {
        send_signal(*pid, libc::SIGTERM)?;
        let end = finished_trace(&run.trace.file(*pid));
        end.map_err(|_| "does not end on SIGTERM")?;
    }
    let outcome = run.finish()?;
    eprint!("{}", outcome.printed[1]);
    let status = status.map_err(text)?;
    let failure = match status.code() {
        Some(0) => None,
        Some(124) => Some("SESSION: not finished after 60 s".into()),
        _ => Some(format!("SESSION: {status}")),
    };
    Ok((outcome.calls, failure))
}

/// Prints the calls of two programs. Fails if they differ, or if a session failed.
fn compare(programs: [&str; 2], args: &str, session: &str) -> Result<()> {
    let run = |name: &str, program: &str| {
        let named = |reason| format!("{name} ({program}): {reason}");
        let (calls, failure) = calls(program, args, session).map_err(named)?;
        Ok::<_, String>((calls, failure.map(named)))
    };
    let ((a, a_failure), (b, b_failure)) = (run("A", programs[0])?, run("B", programs[1])?);
    let different = match print_calls(["A", "B"], [&a, &b]) {
        0 => None,
        count => Some(format!("{count} calls are made by A or B only")),
    };
    let reasons = [different, a_failure, b_failure].into_iter().flatten();
    let reasons: Vec<String> = reasons.collect();
    reasons.is_empty().then_some(()).ok_or(reasons.join("\n  "))
}

#[test]
#[ignore = "make trace A=PROGRAM B=PROGRAM"]
fn a_and_b_make_the_same_system_calls() {
    let names = ["A", "B", "ARGS", "SESSION"];
    let [a, b, args, session] = names.map(|name| env::var(name).unwrap_or_default());
    let result = match [&*a, &b] {
        ["", _] => Err("A=PROGRAM is missing".into()),
        [_, ""] => Err("B=PROGRAM is missing".into()),
        programs => {
            println!("\n  A: {a}\n  B: {b}");
            compare(programs, &args, &session)
        }
    };
    // Exit without libtest's report. cargo adds nothing to the exit status of a failed test, 101.
    let status = if result.is_ok() { 0 } else { 101 };
    println!("\n  {}", result.err().unwrap_or("no difference".into()));
    process::exit(status);
}

#[test]
fn two_programs_are_compared_call_by_call() {
    let (ip, chat) = (fresh_address().ip().to_string(), programs("chat"));
    let chat = chat.each_ref().map(|program| program.to_str().unwrap());
    assert_eq!(compare(chat, &ip, "kill $PID"), Ok(()));
    let different = compare(["/bin/true", "/bin/false"], "", "");
    assert_eq!(different, Err("4 calls are made by A or B only".into()));
    let failed = "A (/bin/true): SESSION: exit status: 3\n  B (/bin/true): SESSION: exit status: 3";
    let session = "read line || exit 3"; // its standard input is empty
    assert_eq!(compare(["/bin/true"; 2], "", session), Err(failed.into()));

    let calls = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    let rows = align([calls("abce"), calls("bxde")], |a, b| usize::from(a == b));
    let cells = rows.concat().into_iter();
    assert_eq!(
        cells
            .map(|cell| cell.unwrap_or("-".into()))
            .collect::<String>(),
        "a-bbc--x-dee"
    );
}
