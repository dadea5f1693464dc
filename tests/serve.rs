//! The server with telnet and nc as its clients, and without a usable stdout.

use crate::support::{
    Client, DEADLINE, Result, builds, fresh_address, prepare_child, read_lines, serve_args, text,
    tool, wait_for,
};
use libc::SIGKILL;
use std::fs;
use std::io::Write;
use std::net::SocketAddrV4;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// A program that is killed on drop.
struct Program {
    process: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(mut command: Command) -> Program {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        prepare_child(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = read_lines(process.stdout.take().unwrap());
        Program { process, lines }
    }

    fn telnet(server: SocketAddrV4) -> Program {
        let mut telnet = Command::new(tool("telnet", "telnet"));
        telnet.args([server.ip().to_string(), server.port().to_string()]);
        Program::start(telnet)
    }

    /// Types `line`, and waits until it comes back.
    fn echo(&mut self, line: &str) {
        writeln!(self.process.stdin.as_ref().unwrap(), "{line}").unwrap();
        self.wait_for(line);
    }

    /// Waits until the program prints the line `wanted`.
    fn wait_for(&self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|_| panic!("{wanted:?} is not printed"));
            if line.trim_end() == wanted {
                return;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn telnet_is_served_while_its_server_is_killed_and_restarted() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let mut telnet = Program::telnet(server.address);
        telnet.wait_for("Escape character is '^]'.");
        telnet.echo("hello");
        server.terminate(SIGKILL)?;
        telnet.echo("are you there?");
        let restarted = build.serve_on(server.address, true)?.server()?;
        telnet.echo("and now?");
        Program::telnet(restarted.address).echo("a new one");
    }
    Ok(())
}

#[test]
fn nc_gets_back_what_it_sends_until_end_of_file() -> Result<()> {
    for build in builds() {
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let (ip, port) = (server.address.ip(), server.address.port());
        let mut nc = Command::new(tool("nc.openbsd", "netcat-openbsd"));
        nc.args(["-N", &ip.to_string(), &port.to_string()]);
        let mut nc = Program::start(nc);
        nc.echo("hello");
        nc.echo("once more");
        drop(nc.process.stdin.take());
        let end = nc.lines.recv_timeout(DEADLINE);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected));
        let status = wait_for("exit of nc", || nc.process.try_wait().unwrap())?;
        assert!(status.success());
    }
    Ok(())
}

#[test]
fn without_a_usable_stdout_the_server_serves_and_prints_nothing_to_its_clients() -> Result<()> {
    for build in builds() {
        for redirection in [">/dev/full", ">&-", "<&- >&- 2>&-"] {
            let address = fresh_address();
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")]);
            command.arg(&build.path).args(serve_args(address, true));
            let server = Program::start(command);
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
