//! Runs of both builds with the same arguments. The Rust build has to do what the C build does.

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
    let mut output = command.output().expect("it ends in time");
    // The hint after EADDRINUSE names the program as it was called.
    let stderr = String::from_utf8_lossy(&output.stderr);
    output.stderr = stderr
        .replace(build.path.to_str().unwrap(), "reuseaddr")
        .into();
    output
}

/// Takes what the C build does as the predicate for the Rust build: exit status, stdout and stderr.
/// `neutral` removes from stdout what differs from run to run. Returns the outcome of the C build.
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

/// The start of a command line: strace, which injects each of `injections` (`-e inject=`) into the command
/// that follows.
pub fn injecting(injections: &[&str]) -> Vec<String> {
    let calls = injections
        .iter()
        .map(|injection| injection.split(':').next().unwrap());
    let trace = format!("trace={}", calls.collect::<Vec<_>>().join(","));
    let strace = tool("strace", "strace").display().to_string();
    let options = ["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", &trace];
    let mut line = vec![strace];
    line.extend(options.map(String::from));
    for injection in injections {
        line.extend(["-e".into(), format!("inject={injection}")]);
    }
    line
}
