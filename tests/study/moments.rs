//! Figure 12.1, run: the processes and their sockets before the kill, after it and after the restart.

use crate::claims::figure::Figure;
use crate::support::{Build, Client, Result, Server, Socket, find_socket, only_socket};
use std::process;

/// The figure's three processes at one moment.
pub struct Moment {
    /// Server, child and client, from top to bottom.
    pub boxes: [Process; 3],
    /// The relation of server and child.
    pub between: Between,
}

/// A process of the figure.
pub struct Process {
    pub role: &'static str,
    pub pid: i32,
    /// Its socket, unless the process has been killed.
    pub socket: Option<Socket>,
    /// The value of SO_REUSEADDR as the server reports it; empty for the other processes.
    pub option: String,
}

/// The relation of the server and the child.
#[derive(Clone, Copy, PartialEq)]
pub enum Between {
    /// The server forked the child.
    Fork,
    /// It forked the child and has been killed since.
    ForkedOnce,
    /// The server is a new one, on the child's address.
    SameAddress,
}

/// Runs the story with `build` and returns its three moments.
pub fn run_story(build: &Build) -> Result<[Moment; 3]> {
    let mut figure = Figure::new(build, true)?;
    let before = take(&figure.server, &figure, Between::Fork)?;

    figure.server.terminate(libc::SIGKILL)?;
    figure.client.echo("still there?")?;
    let after = take(&figure.server, &figure, Between::ForkedOnce)?;

    let restarted = build.serve_on(figure.server.address, true)?.server()?;
    figure.client.echo("and still?")?;
    let again = take(&restarted, &figure, Between::SameAddress)?;
    Client::of(&restarted)?.echo("a new client")?;
    Ok([before, after, again])
}

/// The moment now, from the kernel's list: `server`, and the child and the client of `figure`.
fn take(server: &Server, figure: &Figure, between: Between) -> Result<Moment> {
    let (mut listening, mut option) = (None, String::new());
    if between != Between::ForkedOnce {
        listening = Some(only_socket(server.pid, |_| true)?);
        option = server.so_reuseaddr.clone();
    }
    let client = find_socket(figure.client.address, figure.server.address);
    let client = client.ok_or("the client's socket is not listed")?;
    let child = only_socket(figure.child, |_| true)?;
    let boxes = [
        ("Server", server.pid, listening, option),
        ("Child", figure.child, Some(child), String::new()),
        ("Client", process::id() as i32, Some(client), String::new()),
    ];
    let boxes = boxes.map(|(role, pid, socket, option)| Process {
        role,
        pid,
        socket,
        option,
    });
    Ok(Moment { boxes, between })
}
