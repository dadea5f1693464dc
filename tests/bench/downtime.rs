//! Downtime: from the kill of the listening process until the restarted server serves a client.

use super::servers::{Running, Server};
use crate::support::{Client, Result, deadline, prepare_child, send_signal};
use libc::SIGKILL;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Kills the listening process while a client is connected, restarts the server at once, and connects
/// until a client is served.
pub fn downtime(server: &Server) -> Result<Duration> {
    let text = |error: io::Error| format!("{}: {error}", server.name);
    let mut running = server.start()?;
    let address = running.address;
    let _client = Client::served(address)?;

    let start = Instant::now();
    send_signal(running.process.id() as i32, SIGKILL)?;
    running.process.wait().map_err(text)?;
    let process = server.command(address).spawn().map_err(text)?;
    let _restarted = Running { process, address };
    while Client::served(address).is_err() {
        if start.elapsed() > deadline() {
            return Err(format!("{} does not serve after its restart", server.name));
        }
    }
    Ok(start.elapsed())
}

/// fork, exec, exit and wait of a static program: the least that a restart takes.
pub fn bare_exec(limit: &Path) -> Result<Duration> {
    let start = Instant::now();
    let mut command = Command::new(limit);
    prepare_child(&mut command);
    command.status().map_err(|error| error.to_string())?;
    Ok(start.elapsed())
}
