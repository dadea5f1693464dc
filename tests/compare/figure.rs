//! F1 to F5: Figure 12.1.

use crate::support::*;

/// A server with SO_REUSEADDR on or off, and a client that its child process `child` serves.
pub struct Figure {
    pub server: Server,
    pub client: Client,
    pub child: i32,
}

impl Figure {
    /// Starts the server on a fresh address, connects the client and echoes once.
    pub fn new(build: &Build, option: bool) -> Result<Figure> {
        let mut server = build.serve_on(fresh_address(), option)?.server()?;
        let client = Client::served(server.address)?;
        let child = server.child(&client)?;
        Ok(Figure {
            server,
            client,
            child,
        })
    }
}

/// The cell `yes` if `right`, else the error `wrong`.
pub fn yes(right: bool, wrong: &str) -> Result<String> {
    right.then(|| "yes".into()).ok_or_else(|| wrong.into())
}

/// The cell `yes`, after a step that fails otherwise.
pub fn seen<T>(_: T) -> String {
    "yes".into()
}

pub fn f1(build: &Build) -> Result<String> {
    let address = fresh_address();
    let server = build.serve_on(address, true)?.server()?;
    let reported = server.address;
    let wrong = format!("expected to listen on {address}, reports {reported}");
    yes(reported == address, &wrong)?;
    let listens = |socket: &Socket| socket.state == "LISTEN" && socket.local == address;
    only_socket(server.pid, listens).map(seen)
}

pub fn f2(build: &Build) -> Result<String> {
    let mut server = build.serve_on(fresh_address(), true)?.server()?;
    let client = Client::connect(server.address)?;
    server.child(&client).map(seen) // a line of the server with the client's address
}

pub fn f3(build: &Build) -> Result<String> {
    let figure = Figure::new(build, true)?;
    let (server, child) = (figure.server.pid, figure.child);
    let parent = process(child).map(|(_, parent)| parent);
    let wrong = format!("expected {server} as the parent of process {child}, seen {parent:?}");
    yes(parent == Some(server) && process(server).is_some(), &wrong)
}

pub fn f4(build: &Build) -> Result<String> {
    let figure = Figure::new(build, true)?;
    only_socket(figure.server.pid, |socket| socket.state == "LISTEN").map(seen)
}

pub fn f5_bytes(build: &Build) -> Result<String> {
    let mut server = build.serve_on(fresh_address(), true)?.server()?;
    let mut client = Client::connect(server.address)?;
    let sent: Vec<u8> = (0..1_usize << 20).map(|i| (i * i / 256) as u8).collect();
    let back = client.exchange(&sent)?;
    let length = sent.len();
    let wrong = format!(
        "expected the {length} bytes back, seen {} others",
        back.len()
    );
    yes(back == sent, &wrong)?;
    let (child, address) = (server.child(&client)?, client.address);
    let end = format!("child {child}: {address} closed after {length} bytes");
    server.line(&end, |line| line == end).map(seen)
}

pub fn f5_stopped(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, true)?;
    let parent = figure.server.pid;
    send_signal(parent, libc::SIGSTOP)?;
    wait_for_stop(parent)?;
    figure.client.echo("the parent is stopped").map(seen)
}

pub fn f5_two(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, true)?;
    let mut second = Client::connect(figure.server.address)?;
    second.echo("two at once")?;
    figure.client.echo("two at once")?;
    let child = figure.server.child(&second)?;
    yes(child != figure.child, "one child process serves both")
}

pub fn f5_reaped(build: &Build) -> Result<String> {
    let mut figure = Figure::new(build, true)?;
    figure.client.half_close()?;
    wait_for_reaping(figure.child).map(seen)
}
