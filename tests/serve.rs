//! The server before real clients and rude ones, and with a standard output that takes nothing.

use crate::support::{
    Client, DEADLINE, Result, builds, fresh_address, leave_nothing_behind, read_lines, serve_words,
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
        leave_nothing_behind(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = read_lines(process.stdout.take().unwrap());
        Program { process, lines }
    }

    fn telnet(server: SocketAddrV4) -> Program {
        let mut telnet = Command::new(tool("telnet", "telnet"));
        telnet.args([server.ip().to_string(), server.port().to_string()]);
        Program::start(telnet)
    }

    fn nc(server: SocketAddrV4) -> Program {
        let mut nc = Command::new(tool("nc.openbsd", "netcat-openbsd"));
        nc.args(["-N", &server.ip().to_string(), &server.port().to_string()]);
        Program::start(nc)
    }

    /// Types `line` and waits until it comes back.
    fn converse(&mut self, line: &str) {
        writeln!(self.process.stdin.as_ref().unwrap(), "{line}").unwrap();
        self.wait_for(line);
    }

    /// Waits for `wanted` as a line of output.
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
fn a_telnet_talks_on_while_its_server_is_killed_and_restarted() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let mut telnet = Program::telnet(server.address);
        telnet.wait_for("Escape character is '^]'.");
        telnet.converse("hello");
        server.end_by(SIGKILL)?;
        telnet.converse("are you there?");
        let restarted = build.serve_on(server.address, true)?.server()?;
        telnet.converse("and now?");
        Program::telnet(restarted.address).converse("a new one");
    }
    Ok(())
}

#[test]
fn an_nc_gets_back_what_it_sends_until_it_ends() -> Result<()> {
    for build in builds() {
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let mut nc = Program::nc(server.address);
        nc.converse("hello");
        nc.converse("once more");
        drop(nc.process.stdin.take());
        let end = nc.lines.recv_timeout(DEADLINE);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected));
        let status = wait_for("end of nc", || nc.process.try_wait().unwrap())?;
        assert!(status.success());
    }
    Ok(())
}

#[test]
fn a_client_that_resets_is_complained_of_and_the_others_are_served() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let mut polite = Client::of(&server)?;
        polite.echo("hello")?;
        let mut rude = Client::of(&server)?;
        rude.echo("hello")?;
        let address = rude.address;
        rude.reset()?;
        assert_eq!(
            server.complaint()?,
            format!("reuseaddr: read {address}: Connection reset by peer")
        );
        polite.echo("still there")?;
        Client::of(&server)?.echo("a new one")?;
    }
    Ok(())
}

#[test]
fn a_server_whose_stdout_takes_nothing_serves_and_tells_its_clients_nothing() -> Result<()> {
    for build in builds() {
        for redirection in [">/dev/full", ">&-", "<&- >&- 2>&-"] {
            let address = fresh_address();
            let mut command = Command::new("sh");
            command
                .args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")])
                .arg(&build.path)
                .args(serve_words(address, true));
            let server = Program::start(command);
            let mut client = wait_for("server", || Client::connect(address).ok())?;
            client.echo("hello")?;
            for fd in 0..=2 {
                let link = format!("/proc/{}/fd/{fd}", server.process.id());
                let file = fs::read_link(&link).map_err(|error| format!("{link}: {error}"))?;
                let file = file.to_string_lossy();
                assert!(!file.starts_with("socket:"), "{link} is {file}");
            }
            assert_eq!(client.finish()?, b"", "{} {redirection}", build.name);
        }
    }
    Ok(())
}
