//! Runs of both builds with the same arguments. The Rust build must do what the C build does.

use super::{Build, builds, deadline, tool};
use assert_cmd::assert::{Assert, OutputAssertExt};
use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs both builds with `args`, and compares their exit status, stdout and stderr. Returns the outcome.
pub fn both(args: &[impl AsRef<OsStr>]) -> Assert {
    both_under(&[], args)
}

/// [`both`], with `wrapper` before the path of each build: the command line of strace, or of a shell.
pub fn both_under(wrapper: &[String], args: &[impl AsRef<OsStr>]) -> Assert {
    compare_builds(str::to_string, |build| run_under(wrapper, build, args))
}

/// Runs `build` with `args`, and `wrapper` before its path, until it exits.
pub fn run_under(wrapper: &[String], build: &Build, args: &[impl AsRef<OsStr>]) -> Output {
    let mut command = assert_cmd::Command::from_std(command_under(wrapper, build, args));
    command.timeout(deadline() * 3);
    command.output().expect("it exits in time")
}

/// The command that [`run_under`] runs.
pub fn command_under(wrapper: &[String], build: &Build, args: &[impl AsRef<OsStr>]) -> Command {
    let line = wrapper.iter().map(OsStr::new);
    let mut line = line.chain([build.path.as_os_str()]);
    let mut command = Command::new(line.next().expect("at least the build"));
    command.args(line).args(args);
    command
}

/// Compares the exit status, stdout and stderr of the Rust build with those of the C build. `neutral`
/// removes from stdout what differs from run to run. Returns the outcome of the C build.
pub fn compare_builds(neutral: fn(&str) -> String, run: impl Fn(&Build) -> Output) -> Assert {
    let [c, rust] = builds().each_ref().map(run);
    let stdout = |output: &Output| neutral(std::str::from_utf8(&output.stdout).unwrap());
    let status = c.status.code().expect("no signal kills it");
    assert_eq!(stdout(&rust), stdout(&c));
    rust.assert().code(status).stderr(c.stderr.clone());
    c.assert()
}

/// The start of a command line: strace with an `-e inject=` option for each of `injections`.
pub fn injecting(injections: &[&str]) -> Vec<String> {
    let call = |injection: &&str| injection.split(':').next().unwrap().to_string();
    let calls: Vec<String> = injections.iter().map(call).collect();
    let mut line = vec![tool("strace", "strace").display().to_string()];
    line.extend(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e"].map(String::from));
    line.push(format!("trace={}", calls.join(",")));
    for injection in injections {
        line.extend(["-e".into(), format!("inject={injection}")]);
    }
    line
}

/// [`injecting`] `injection`, but only into calls for `paths`.
pub fn injecting_for(paths: &[&str], injection: &str) -> Vec<String> {
    let options = paths.iter().flat_map(|path| ["-P", path]);
    let mut line = injecting(&[injection]);
    line.extend(options.map(String::from));
    line
}
