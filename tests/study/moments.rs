//! Figure 12.1, run: who is there and has which socket, before the kill, after it, after the restart.

use crate::claims::figure::Figure;
use crate::support::{Build, Client, Result, Server, Socket, sockets, sockets_of, wait_for};
use std::process;

/// The figure's three processes at one moment.
pub struct Moment {
    /// Server, child and client, from top to bottom.
    pub boxes: [Process; 3],
    /// What is between server and child.
    pub between: Between,
}

/// A process of the figure.
pub struct Process {
    pub role: &'static str,
    pub pid: i32,
    /// The socket that it has; none once it has been killed.
    pub socket: Option<Socket>,
    /// What the kernel says of the option, where it was asked.
    pub option: String,
}

/// What is between the server and the child.
#[derive(Clone, Copy, PartialEq)]
pub enum Between {
    /// The server forked the child.
    Fork,
    /// It did, and has been killed since.
    ForkedOnce,
    /// The server is another one, on the same address.
    SameAddress,
}

/// Goes through the story with `build`: the three moments.
pub fn live_through(build: &Build) -> Result<[Moment; 3]> {
    let mut figure = Figure::new(build, true)?;
    let before = take(&figure.server, &figure, Between::Fork)?;

    figure.server.end_by(libc::SIGKILL)?;
    figure.client.echo("still there?")?;
    let after = take(&figure.server, &figure, Between::ForkedOnce)?;

    let restarted = build.serve_on(figure.server.address, true)?.server()?;
    figure.client.echo("and still?")?;
    let again = take(&restarted, &figure, Between::SameAddress)?;
    Client::of(&restarted)?.echo("a new client")?;
    Ok([before, after, again])
}

/// What the kernel lists now of `server`, and of the child and the client of `figure`.
fn take(server: &Server, figure: &Figure, between: Between) -> Result<Moment> {
    let killed = between == Between::ForkedOnce;
    let listening = match killed {
        true => None,
        false => Some(only_socket(server.pid, "server")?),
    };
    let (ours, theirs) = (figure.client.address, figure.server.address);
    let mut all = sockets().into_iter();
    let client = all.find(|socket| (socket.local, socket.peer) == (ours, theirs));
    Ok(Moment {
        boxes: [
            Process {
                role: "Server",
                pid: server.pid,
                option: if killed {
                    String::new()
                } else {
                    server.option.clone()
                },
                socket: listening,
            },
            Process {
                role: "Child",
                pid: figure.child,
                option: String::new(),
                socket: Some(only_socket(figure.child, "child")?),
            },
            Process {
                role: "Client",
                pid: process::id() as i32,
                option: String::new(),
                socket: Some(client.ok_or("the client's socket is gone")?),
            },
        ],
        between,
    })
}

/// The one socket of process `pid`. Just after a fork it has two.
fn only_socket(pid: i32, name: &str) -> Result<Socket> {
    wait_for(format!("{name} that has one socket"), || {
        let mut held = sockets_of(pid);
        if held.len() == 1 { held.pop() } else { None }
    })
}
