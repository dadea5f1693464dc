//! The servers that are measured: both builds, socat, and the same conversation without fork.

use crate::support::{
    Client, Result, become_subreaper, builds, fresh_address, kill_group, prepare_child, serve_args,
    tool, wait_for,
};
use std::net::SocketAddrV4;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The names in every table, in its order.
pub const NAMES: [&str; 7] = [RUST, C, "socat", NO_FORK, FORK, BARE, ALLOWED];
pub const RUST: &str = "Rust";
pub const C: &str = "C";
/// The conversation without fork.
pub const NO_FORK: &str = "no fork";
/// fork, exit and wait, and nothing else.
pub const FORK: &str = "fork + exit";
/// fork, exec, exit and wait of a static program.
pub const BARE: &str = "bare exec";
/// The target for the downtime: 2 x bare exec + 1 ms.
pub const ALLOWED: &str = "target";

/// A server that can be started.
pub struct Server {
    pub name: &'static str,
    program: PathBuf,
    arguments: fn(SocketAddrV4) -> Vec<String>,
}

/// All servers; `limit` is the program of limit.c.
pub fn servers(limit: &Path) -> [Server; 4] {
    let [c, rust] = builds().each_ref().map(|build| build.path.clone());
    let ours = |at| serve_args(at, true);
    let socat = |at: SocketAddrV4| {
        let (ip, port) = (at.ip(), at.port());
        let listen = format!("TCP-LISTEN:{port},bind={ip},fork,reuseaddr,backlog=4096");
        vec![listen, "PIPE".into()]
    };
    let no_fork =
        |at: SocketAddrV4| vec!["serve".into(), at.ip().to_string(), at.port().to_string()];
    let server = |name, program, arguments| Server {
        name,
        program,
        arguments,
    };
    [
        server(RUST, rust, ours),
        server(C, c, ours),
        server("socat", tool("socat", "socat"), socat),
        server(NO_FORK, limit.into(), no_fork),
    ]
}

/// A running server and its child processes, which are killed on drop.
pub struct Running {
    pub process: Child,
    pub address: SocketAddrV4,
}

impl Server {
    /// The command that serves on `address`; its output is discarded.
    pub fn command(&self, address: SocketAddrV4) -> Command {
        let mut command = Command::new(&self.program);
        command.args((self.arguments)(address)).process_group(0);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        prepare_child(&mut command);
        command
    }

    /// Starts it on a fresh address, and waits until it serves.
    pub fn start(&self) -> Result<Running> {
        let address = fresh_address();
        become_subreaper();
        let process = self.command(address).spawn();
        let process = process.map_err(|error| format!("{}: {error}", self.name))?;
        let running = Running { process, address };
        wait_for(format!("service by {}", self.name), || {
            Client::served(address).ok()
        })?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(&mut self.process);
    }
}
