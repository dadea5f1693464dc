//! Both builds under valgrind's memcheck, which finds nothing.

mod support;

use libc::SIGTERM;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{
    Build, Client, Result, builds, fresh_address, launch, process, serve_words, tool, wait_for,
};

/// valgrind, about to run `build`; it complains in its log alone, and makes the status 9.
fn valgrind(build: &Build, log: &Path) -> Command {
    let mut command = Command::new(tool("valgrind", "valgrind"));
    command
        .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
        .arg(format!("--log-file={}", log.display()))
        // For abi's wrong arguments: each entry names the function that hands them over.
        .arg(concat!(
            "--suppressions=",
            env!("CARGO_MANIFEST_DIR"),
            "/tests/abi.supp"
        ))
        .arg(&build.path);
    command
}

/// A log of one's own, and what stands in it, once it is taken.
fn log(name: &str) -> PathBuf {
    let name = format!("{}-{name}.valgrind", std::process::id());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn take(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap();
    fs::remove_file(log).unwrap();
    text
}

#[test]
fn rules_and_abi_use_no_memory_wrongly_and_leak_none() {
    for build in builds() {
        for program in ["rules", "abi"] {
            let log = log(&format!("{}-{program}", build.name));
            let output = valgrind(build, &log).arg(program).output().unwrap();
            assert_eq!(take(&log), "", "{} {program}", build.name);
            assert_eq!(output.status.code(), Some(0), "{} {program}", build.name);
        }
    }
}

#[test]
fn a_server_and_its_children_use_no_memory_wrongly() -> Result<()> {
    for build in builds() {
        let log = log(&format!("{}-serve", build.name));
        let mut command = valgrind(build, &log);
        command.args(serve_words(fresh_address(), true));
        let mut server = launch(command)?.server()?;
        let mut polite = Client::of(&server)?;
        polite.echo(&"hello ".repeat(10_000))?;
        let polite_child = server.child(&polite)?;
        polite.finish()?;
        let mut rude = Client::of(&server)?;
        rude.echo("hello")?;
        let rude_child = server.child(&rude)?;
        rude.reset()?;
        server.complaint()?;
        for child in [polite_child, rude_child] {
            wait_for("end of the child", || {
                process(child).is_none().then_some(())
            })?;
        }
        server.end_by(SIGTERM)?;
        assert_eq!(take(&log), "", "{}", build.name);
    }
    Ok(())
}
