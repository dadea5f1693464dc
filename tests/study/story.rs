//! Figure 12.1, run: its processes and sockets before the kill, after it, and at the restart; what remains
//! when the child is killed too; what a step is for; and what `make compare` prints.

use crate::claims::figure::Figure;
use crate::claims::remedy::c2;
use crate::claims::trouble::{Last, ended};
use crate::claims::{CLAIMS, Claim, SLOW};
use crate::report::report;
use crate::support::*;
use libc::SIGKILL;
use std::net::{Shutdown, SocketAddrV4};
use std::process;

/// A moment: what is known of server, child and client; and of a restart its system calls, and what it
/// prints if it fails.
pub type Moment = ([Vec<String>; 3], Vec<String>);

/// The moments: before the kill, after it, a restart without the option, and one in a run with it.
pub fn run_story(build: &Build) -> Result<Vec<Moment>> {
    let facts = |pid, fd, socket: &Socket| {
        let facts = [
            format!("process {pid}"),
            socket.local.to_string(),
            socket.state.into(),
        ];
        let option = reuseaddr_of(pid, fd).map(|value| format!("SO_REUSEADDR is {value}"));
        facts.into_iter().chain(option).collect::<Vec<_>>()
    };
    let listening = |pid| Ok::<_, String>(facts(pid, 3, &only_socket(pid, |_| true)?));
    let moment = |figure: &Figure, server, calls| {
        let child = facts(figure.child, 4, &only_socket(figure.child, |_| true)?);
        let client = find_socket(figure.client.address, figure.server.address);
        let client = client.ok_or("the client's socket is not listed")?;
        let client = facts(process::id() as i32, -1, &client);
        Ok::<_, String>(([server, child, client], calls))
    };
    let mut moments = Vec::new();
    for option in [false, true] {
        let mut figure = Figure::new(build, option)?;
        let (pid, address) = (figure.server.pid, figure.server.address);
        let before = moment(&figure, listening(pid)?, Vec::new())?;
        figure.server.terminate(SIGKILL)?;
        let killed = vec![format!("process {pid}"), "killed by SIGKILL".into()];
        let killed = moment(&figure, killed, Vec::new())?;
        moments.extend([before, killed].into_iter().filter(|_| !option));

        let file = scratch(format!("{address}.restart"));
        let mut command = strace("-D -e signal=none -e trace=setsockopt,bind,listen", &file);
        command.arg(&build.path).args(serve_args(address, option));
        let start = launch(command)?;
        let calls = take_file(&file)?;
        let calls = calls.lines().filter(|line| line.contains('('));
        let mut calls: Vec<String> = calls.map(without_pointers).collect();
        let server = match &start {
            Start::Listening(server) => listening(server.pid)?,
            Start::Exited { stderr, .. } => {
                calls.extend(stderr.lines().next().map(String::from));
                vec![
                    "a new process".into(),
                    format!("bind: {}", start.bind_result()?),
                ]
            }
        };
        figure.client.echo("still served")?;
        moments.push(moment(&figure, server, calls)?);
    }
    Ok(moments)
}

/// Kills a server and its child, and closes the client after that or before. Each row is what happened
/// last, the server's and the client's end of the connection, and what a restart does.
pub fn run_remains(build: &Build, option: bool) -> Result<Vec<[String; 4]>> {
    let row = |after: &str, address: SocketAddrV4| {
        let ends: [fn(&Socket) -> _; 2] = [|socket| socket.local, |socket| socket.peer];
        let [ours, theirs] =
            ends.map(
                |end| match sockets().iter().find(|socket| end(socket) == address) {
                    None => "none".to_string(),
                    Some(Socket {
                        state, timer: 0, ..
                    }) => state.to_string(),
                    Some(Socket { state, timer, .. }) => format!("{state}, {timer} s left"),
                },
            );
        let restart = build.serve_on(address, option)?.bind_result()?;
        Ok([after.into(), ours, theirs, restart])
    };
    let mut figure = Figure::new(build, option)?;
    figure.server.terminate(SIGKILL)?;
    let mut rows = vec![row("The server is killed.", figure.server.address)];
    for (after, last) in [
        ("The child is killed too.", Last::Nobody),
        ("Then the client closes.", Last::Client),
        (
            "Instead, the client closes first, and the child exits.",
            Last::Child,
        ),
    ] {
        let (server, _client, _) = ended(build, option, last)?;
        rows.push(row(after, server.address));
    }
    rows.into_iter().collect()
}

/// What is different if a line of serve.c is left out: the connection after the client has closed it and
/// the child has exited, and the restart of a killed server.
pub fn leave_out(line: &str) -> Result<String> {
    let build = c_build_without("c-reference/serve.c", line.parse().map_err(text)?)?;
    let Figure {
        server,
        client,
        child,
    } = Figure::new(&build, true)?;
    client.stream.shutdown(Shutdown::Write).map_err(text)?;
    wait_for_reaping(child)?;
    let connection = find_socket(server.address, client.address);
    let state = connection.map_or("gone", |socket| socket.state);
    let restart = c2(&build, true, true)?;
    Ok(format!(
        "after the client has closed and the child has exited, the server’s end is {state}; a restart \
         with SO_REUSEADDR: {restart}."
    ))
}

/// The rows of `make compare` that do not take a minute. Fails if one is unexpected.
pub fn compare() -> Result<Vec<String>> {
    let rows: Vec<&Claim> = CLAIMS.iter().filter(|claim| claim.text != SLOW).collect();
    let mut lines = Vec::new();
    match report(&rows, builds(), &mut |line| lines.push(line)) {
        0 => Ok(lines),
        _ => Err(lines.join("\n")),
    }
}
