//! Both builds under valgrind's memcheck, which finds nothing.

use crate::support::{
    Build, Client, Result, builds, fresh_address, fresh_port, launch, process, serve_words, tool,
    wait_for,
};
use libc::SIGTERM;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    // Findings begin with ==. What begins with -- is of valgrind itself: 3.19 does not know pidfd_open(2),
    // and answers ENOSYS.
    let findings = text.lines().filter(|line| line.starts_with("=="));
    findings.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_ends_uses_no_memory_wrongly_and_leaks_none() {
    let held = TcpListener::bind(("127.0.0.1", fresh_port())).unwrap();
    let held = held.local_addr().unwrap().to_string();
    for build in builds() {
        for (words, status) in [(&["rules"][..], 0), (&["abi"], 0), (&["explain", &held], 1)] {
            let program = words[0];
            let log = log(&format!("{}-{program}", build.name));
            let output = valgrind(build, &log).args(words).output().unwrap();
            assert_eq!(take(&log), "", "{} {program}", build.name);
            assert_eq!(
                output.status.code(),
                Some(status),
                "{} {program}",
                build.name
            );
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
