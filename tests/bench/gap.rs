//! How soon again: from the end of the listener until the restarted one serves.

use super::contestants::{Contestant, Running};
use crate::support::{
    Build, Client, DEADLINE, Result, Start, fresh_address, prepare_child, send_signal,
};
use libc::SIGKILL;
use std::io;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long a client waits for an answer before it comes again.
const NO_ANSWER: Duration = Duration::from_millis(500);

/// Kills the listener beside a client that it serves, restarts it, and tries until it serves: how
/// long that took; nothing if the restart fails.
pub fn gap(contestant: &Contestant) -> Result<Option<Duration>> {
    let text = |error: io::Error| format!("{}: {error}", contestant.name);
    let address = fresh_address();
    let mut server = contestant.start(address)?;
    let mut client = Client::connect(address).map_err(text)?;
    client.echo("hello")?;

    let start = Instant::now();
    send_signal(server.process.id() as i32, SIGKILL)?;
    server.process.wait().map_err(text)?;
    let process = contestant.command(address).spawn().map_err(text)?;
    let mut restarted = Running { process, address };
    loop {
        if serves(address) {
            return Ok(Some(start.elapsed()));
        }
        if restarted.process.try_wait().map_err(text)?.is_some() {
            return Ok(None);
        }
        if start.elapsed() > DEADLINE {
            return Err(format!("{} does not serve again", contestant.name));
        }
    }
}

/// Whether a client is served; if a child has kept the listening socket it gets no answer at all.
fn serves(address: SocketAddrV4) -> bool {
    let Ok(mut client) = Client::connect(address) else {
        return false;
    };
    let _ = client.stream.set_read_timeout(Some(NO_ANSWER));
    client.echo("hello").is_ok()
}

/// fork, exec, exit and wait of a static program: what no restart can do without.
pub fn bare(limit: &Path) -> Result<Duration> {
    let start = Instant::now();
    let mut command = Command::new(limit);
    prepare_child(&mut command);
    command.status().map_err(|error| error.to_string())?;
    Ok(start.elapsed())
}

/// Without the option, once the child has ended as well and its client has gone: TIME_WAIT.
pub fn gap_without_the_option(build: &Build) -> Result<Duration> {
    let address = fresh_address();
    let mut server = build.serve_on(address, false)?.server()?;
    let mut client = Client::of(&server)?;
    client.echo("hello")?;
    let start = Instant::now();
    let child = server.child(&client)?;
    send_signal(child, SIGKILL)?;
    server.terminate(SIGKILL)?;
    // The end of file: the child has ended.
    client.receive_all()?;
    drop(client);
    loop {
        match build.serve_on(address, false)? {
            Start::Listening(server) => {
                Client::of(&server)?.echo("hello")?;
                return Ok(start.elapsed());
            }
            Start::Exited { .. } if start.elapsed() > Duration::from_secs(90) => {
                return Err(format!("{address}: TIME_WAIT does not end"));
            }
            Start::Exited { .. } => thread::sleep(Duration::from_millis(100)),
        }
    }
}
