//! The servers that are measured: both builds, socat, and the same conversation without fork.

use crate::support::*;
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

/// A server that can be started. In its arguments, ADDRESS and PORT stand for its address.
pub struct Server {
    pub name: &'static str,
    program: PathBuf,
    arguments: &'static str,
}

/// All servers; `limit` is the program of limit.c.
pub fn servers(limit: &Path) -> [Server; 4] {
    let [c, rust] = builds().each_ref().map(|build| build.path.clone());
    let socat = "TCP-LISTEN:PORT,bind=ADDRESS,fork,reuseaddr,backlog=4096 PIPE";
    let server = |name, program, arguments| Server {
        name,
        program,
        arguments,
    };
    [
        server(RUST, rust, "serve ADDRESS:PORT"),
        server(C, c, "serve ADDRESS:PORT"),
        server("socat", tool("socat", "socat"), socat),
        server(NO_FORK, limit.into(), "serve ADDRESS PORT"),
    ]
}

/// A running server and its child processes, which are killed on drop.
pub struct Running {
    pub name: &'static str,
    pub process: Child,
    pub address: SocketAddrV4,
}

impl Server {
    /// Starts it on `address`; its output is discarded.
    pub fn start_on(&self, address: SocketAddrV4) -> Result<Running> {
        let arguments = self.arguments.replace("ADDRESS", &address.ip().to_string());
        let arguments = arguments.replace("PORT", &address.port().to_string());
        let mut command = Command::new(&self.program);
        command.args(arguments.split(' ')).process_group(0);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        prepare_child(&mut command);
        let process = command.spawn();
        let process = process.map_err(|error| format!("{}: {error}", self.name))?;
        let name = self.name;
        Ok(Running {
            name,
            process,
            address,
        })
    }

    /// Starts it on a fresh address, and waits until it serves.
    pub fn start(&self) -> Result<Running> {
        become_subreaper();
        let running = self.start_on(fresh_address())?;
        let service = || Client::served(running.address).ok();
        wait_for(format!("service by {}", self.name), service)?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(&mut self.process);
    }
}
