//! Both builds under valgrind's memcheck, which finds no errors and no leaks.

use crate::support::*;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// The arguments that `abi` passes wrong on purpose, in functions whose names begin with check_.
const WRONG: &str = "setsockopt(optval) getsockopt(optval) getsockopt(optlen) bind(my_addr.sa_family) \
    connect(serv_addr.sa_family) accept(addr) getsockname(name) getsockname(namelen_in)";

/// A command that runs `build` under valgrind, which reports to `log` and exits with 9 after a finding.
fn valgrind(build: &Build, log: &Path) -> Command {
    let suppressions = log.with_extension("supp");
    let suppression =
        |call| format!("{{\n{call}\nMemcheck:Param\nsocketcall.{call}\n...\nfun:*check_*\n}}\n");
    let text: String = WRONG.split(' ').map(suppression).collect();
    fs::write(&suppressions, text).unwrap();
    let mut command = Command::new(tool("valgrind", "valgrind"));
    // --vgdb=no: no files in /tmp, where another user may have files of the same names.
    let options = "--quiet --vgdb=no --error-exitcode=9 --leak-check=full";
    command.args(options.split(' '));
    command.arg(format!("--log-file={}", log.display()));
    command.arg(format!("--suppressions={}", suppressions.display()));
    command.arg(&build.path);
    command
}

/// Removes `log` and the suppressions, and returns the findings in it.
fn findings(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap();
    fs::remove_file(log).unwrap();
    fs::remove_file(log.with_extension("supp")).unwrap();
    // On lines that begin with --, valgrind 3.19 reports that it does not know pidfd_open(2).
    let findings = text.lines().filter(|line| line.starts_with("=="));
    findings.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_command_that_exits_makes_no_memory_errors_and_leaks_nothing() {
    let held = TcpListener::bind(("127.0.0.1", fresh_port())).unwrap();
    let held = held.local_addr().unwrap().to_string();
    for build in builds() {
        for (args, status) in [(&["rules"][..], 0), (&["abi"], 0), (&["explain", &held], 1)] {
            let run = format!("{} {}", build.name, args[0]);
            let log = scratch(format!("{run}.valgrind"));
            let output = valgrind(build, &log).args(args).output().unwrap();
            assert_eq!(findings(&log), "", "{run}");
            assert_eq!(output.status.code(), Some(status), "{run}");
        }
    }
}

#[test]
fn a_server_and_its_children_make_no_memory_errors() -> Result<()> {
    for build in builds() {
        let log = scratch(format!("{} serve.valgrind", build.name));
        let mut command = valgrind(build, &log);
        command.args(serve_args(fresh_address(), true));
        let mut server = launch(command)?.server()?;
        let mut closing = Client::of(&server)?;
        closing.echo(&"hello ".repeat(10_000))?;
        let mut children = vec![server.child(&closing)?];
        closing.half_close()?;
        let resetting = Client::served(server.address)?;
        children.push(server.child(&resetting)?);
        resetting.reset()?;
        server.error_line()?;
        children.into_iter().try_for_each(wait_for_reaping)?;
        server.terminate(libc::SIGTERM)?;
        assert_eq!(findings(&log), "", "{}", build.name);
    }
    Ok(())
}
