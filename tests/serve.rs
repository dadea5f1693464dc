//! The server with telnet and nc as its clients, and without a usable stdout.

use crate::support::*;
use libc::SIGKILL;
use std::fs::{self, File};
use std::net::SocketAddrV4;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::mpsc::RecvTimeoutError;

fn connect(client: PathBuf, options: &[&str], server: SocketAddrV4) -> Result<Program> {
    let (ip, port) = (server.ip().to_string(), server.port().to_string());
    let mut command = Command::new(client);
    command.args(options).args([ip, port]);
    Program::start(command)
}

fn echo(program: &mut Program, line: &str) -> Result<()> {
    program.type_in(&format!("{line}\n"))?;
    let lost = || format!("{line:?} does not come back");
    while program.line().ok_or_else(lost)?.trim_end() != line {}
    Ok(())
}

#[test]
fn telnet_is_served_while_its_server_is_killed_and_restarted() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let telnet = |server| connect(tool("telnet", "telnet"), &[], server);
        let mut old = telnet(server.address)?;
        echo(&mut old, "hello")?;
        server.terminate(SIGKILL)?;
        echo(&mut old, "are you there?")?;
        let restarted = build.serve_on(server.address, true)?.server()?;
        echo(&mut old, "and now?")?;
        echo(&mut telnet(restarted.address)?, "a new one")?;
    }
    Ok(())
}

#[test]
fn nc_gets_back_what_it_sends_until_end_of_file() -> Result<()> {
    for build in builds() {
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let nc = tool("nc.openbsd", "netcat-openbsd");
        let mut nc = connect(nc, &["-N"], server.address)?;
        echo(&mut nc, "hello")?;
        echo(&mut nc, "once more")?;
        drop(nc.process.stdin.take());
        let end = nc.lines.recv_timeout(deadline());
        assert_eq!(end, Err(RecvTimeoutError::Disconnected));
        let status = wait_for("exit of nc", || nc.process.try_wait().unwrap())?;
        assert!(status.success());
    }
    Ok(())
}

#[test]
fn without_a_usable_stdout_the_server_serves_and_prints_nothing_to_its_clients() -> Result<()> {
    let (_reader, pipe, _) = full_pipe();
    let [_master, terminal] = stopped_terminal();
    let path = |file: &File| format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
    let full = format!(">{} 2>&1", path(&pipe));
    let stopped = format!(">{} 2>&1", path(&terminal));
    for build in builds() {
        for redirection in [">/dev/full", ">&-", "<&- >&- 2>&-", &full, &stopped] {
            let address = fresh_address();
            let script = format!("exec \"$0\" \"$@\" {redirection}");
            let shell = ["sh".into(), "-c".into(), script];
            let command = command_under(&shell, build, &serve_args(address, true));
            let server = Program::start(command)?;
            let mut client = wait_for("server", || Client::connect(address).ok())?;
            client.echo("hello")?;
            for fd in 0..=2 {
                let link = format!("/proc/{}/fd/{fd}", server.process.id());
                let file = fs::read_link(&link).map_err(text)?;
                let file = file.to_string_lossy();
                assert!(!file.starts_with("socket:"), "{link} is {file}");
            }
            assert_eq!(client.half_close()?, b"", "{} {redirection}", build.name);
        }
    }
    Ok(())
}
