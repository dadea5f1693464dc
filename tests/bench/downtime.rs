//! Downtime: from the kill of the listening process until the restarted server serves a client.

use super::servers::{Running, Server};
use crate::support::{
    Build, Client, Result, Start, deadline, fresh_address, prepare_child, send_signal,
};
use libc::SIGKILL;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Kills the listening process while a client is connected, restarts the server at once, and connects
/// until a client is served.
pub fn downtime(server: &Server) -> Result<Duration> {
    let text = |error: io::Error| format!("{}: {error}", server.name);
    let address = fresh_address();
    let mut running = server.start(address)?;
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

/// Downtime without the option, when the child is killed as well and its client closes: TIME_WAIT.
pub fn downtime_without_option(build: &Build) -> Result<Duration> {
    let address = fresh_address();
    let mut server = build.serve_on(address, false)?.server()?;
    let mut client = Client::served(address)?;
    let start = Instant::now();
    let child = server.child(&client)?;
    send_signal(child, SIGKILL)?;
    server.terminate(SIGKILL)?;
    client.receive_all()?; // until the child process has been killed
    drop(client);
    while start.elapsed() < Duration::from_secs(90) {
        if let Start::Listening(server) = build.serve_on(address, false)? {
            Client::served(server.address)?;
            return Ok(start.elapsed());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{address}: TIME_WAIT does not end"))
}
