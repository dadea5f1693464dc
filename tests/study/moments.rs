//! Figure 12.1, run: the processes and their sockets before the kill, after it and after the restart.

use crate::claims::figure::Figure;
use crate::support::{Build, Client, Result, Server, Socket, find_socket, only_socket};
use std::process;

/// The figure's three processes at one moment.
pub struct Moment {
    /// Server, child and client, from top to bottom.
    pub boxes: [Process; 3],
    /// The relation of server and child: [`FORK`], [`FORKED`] or [`SAME`].
    pub relation: &'static str,
}

/// The server forked the child.
pub const FORK: &str = "fork";
/// The server forked the child and has been killed since.
pub const FORKED: &str = "forked earlier";
/// The server is a new one, on the child's address.
pub const SAME: &str = "the same address";

/// A process of the figure.
pub struct Process {
    pub role: &'static str,
    pub pid: i32,
    /// Its socket, unless the process has been killed.
    pub socket: Option<Socket>,
    /// The value of SO_REUSEADDR as the server reports it; empty for the other processes.
    pub option: String,
}

/// Runs the story with `build` and returns its three moments.
pub fn run_story(build: &Build) -> Result<[Moment; 3]> {
    let mut figure = Figure::new(build, true)?;
    let before = take(&figure.server, &figure, FORK)?;

    figure.server.terminate(libc::SIGKILL)?;
    figure.client.echo("still there?")?;
    let after = take(&figure.server, &figure, FORKED)?;

    let restarted = build.serve_on(figure.server.address, true)?.server()?;
    figure.client.echo("and still?")?;
    let again = take(&restarted, &figure, SAME)?;
    Client::of(&restarted)?.echo("a new client")?;
    Ok([before, after, again])
}

/// The moment now, from the kernel's list: `server`, and the child and the client of `figure`.
fn take(server: &Server, figure: &Figure, relation: &'static str) -> Result<Moment> {
    let client = find_socket(figure.client.address, figure.server.address);
    let client = client.ok_or("the client's socket is not listed")?;
    let child = only_socket(figure.child, |_| true)?;
    let process = |role, pid, socket| Process {
        role,
        pid,
        socket,
        option: String::new(),
    };
    let mut boxes = [
        process("Server", server.pid, None),
        process("Child", figure.child, Some(child)),
        process("Client", process::id() as i32, Some(client)),
    ];
    if relation != FORKED {
        boxes[0].socket = Some(only_socket(server.pid, |_| true)?);
        boxes[0].option = server.so_reuseaddr.clone();
    }
    Ok(Moment { boxes, relation })
}
