//! Both builds with the same arguments: what the C build does is what the Rust build has to do.

use super::{Build, DEADLINE, builds, tool};
use assert_cmd::assert::{Assert, OutputAssertExt};
use std::ffi::OsStr;
use std::process::Output;

/// Runs both builds with `args` until they exit, and compares their exit status, stdout and stderr.
/// Returns the outcome, which the caller compares with what it expects.
pub fn both(args: &[impl AsRef<OsStr>]) -> Assert {
    both_under(&[], args)
}

/// [`both`], with `wrapper` before the path of each build: the command line of strace, or of a shell.
pub fn both_under(wrapper: &[String], args: &[impl AsRef<OsStr>]) -> Assert {
    compare_builds(str::to_string, |build| run_under(wrapper, build, args))
}

/// Runs `build` with `args`, and `wrapper` before its path, until it exits.
pub fn run_under(wrapper: &[String], build: &Build, args: &[impl AsRef<OsStr>]) -> Output {
    let line: Vec<&OsStr> = wrapper.iter().map(OsStr::new).collect();
    let line = [&line[..], &[build.path.as_os_str()]].concat();
    let mut command = assert_cmd::Command::new(line[0]);
    command.args(&line[1..]).args(args).timeout(DEADLINE * 3);
    command.output().expect("it ends in time")
}

/// The predicate for the Rust build is what the C build does: its exit status, its stdout and its stderr.
/// `neutral` removes from stdout what is different in every run. Returns the outcome of the C build.
pub fn compare_builds(neutral: fn(&str) -> String, run: impl Fn(&Build) -> Output) -> Assert {
    let [c, rust] = [0, 1].map(|build| run(&builds()[build]));
    let stdout = |output: &Output| neutral(std::str::from_utf8(&output.stdout).unwrap());
    let status = c.status.code().expect("no signal kills it");
    let neutral_rust = Output {
        stdout: stdout(&rust).into(),
        ..rust
    };
    let rust = neutral_rust.assert().code(status);
    rust.stdout(stdout(&c)).stderr(c.stderr.clone());
    c.assert()
}

/// The command line of strace that makes calls fail as `injections` say, in the syntax of `-e inject=`.
pub fn injecting(injections: &[&str]) -> Vec<String> {
    let calls: Vec<_> = injections
        .iter()
        .map(|injection| injection.split(':').next().unwrap())
        .collect();
    let strace = tool("strace", "strace").display().to_string();
    let mut line = [&strace, "-f", "--seccomp-bpf", "-o", "/dev/null", "-e"]
        .map(String::from)
        .to_vec();
    line.push(format!("trace={}", calls.join(",")));
    for injection in injections {
        line.extend(["-e".into(), format!("inject={injection}")]);
    }
    line
}
