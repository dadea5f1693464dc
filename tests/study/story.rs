//! What runs show: Figure 12.1 and the restart, what remains when the child is killed too, what is different
//! if a line is left out, and the system calls of each step.

use crate::claims::agreement::same;
use crate::claims::figure::Figure;
use crate::claims::remedy::{c2, traced};
use crate::claims::trouble::{Last, ended};
use crate::counterparts::{Pair, Part};
use crate::support::*;
use libc::SIGKILL;
use std::process;

/// What is known of server, child and client; and of a restart its system calls and its error message.
pub type Moment = ([Vec<String>; 3], Vec<String>);

/// The moments: before the kill, after it, a restart without the option, and one in a run with it.
pub fn run_story(build: &Build) -> Result<Vec<Moment>> {
    let listening = |pid| only_socket(pid, |_| true).map(|socket| facts(pid, 3, socket));
    let mut moments = Vec::new();
    for option in [false, true] {
        let mut figure = Figure::new(build, option)?;
        let (pid, address) = (figure.server.pid, figure.server.address);
        let before = moment(&figure, listening(pid)?, Vec::new())?;
        figure.server.terminate(SIGKILL)?;
        let killed = vec![format!("process {pid}"), "killed by SIGKILL".into()];
        let killed = moment(&figure, killed, Vec::new())?;
        moments.extend([before, killed].into_iter().filter(|_| !option));

        let (start, mut calls) = traced(build, address, option)?;
        let server = match &start {
            Start::Listening(server) => listening(server.pid)?,
            Start::Exited { stderr, .. } => {
                calls.extend(stderr.lines().next().map(String::from));
                vec!["a new process".into(), start.bind_result()?]
            }
        };
        figure.client.echo("still served")?;
        moments.push(moment(&figure, server, calls)?);
    }
    Ok(moments)
}

fn moment(figure: &Figure, server: Vec<String>, calls: Vec<String>) -> Result<Moment> {
    let (from, to) = (figure.client.address, figure.server.address);
    let client = wait_for("socket of the client", || find_socket(from, to))?;
    let client = facts(process::id() as i32, -1, client);
    let child = facts(figure.child, 4, only_socket(figure.child, |_| true)?);
    Ok(([server, child, client], calls))
}

/// What is known of a process, whose descriptor `fd` is `socket`.
fn facts(pid: i32, fd: i32, socket: Socket) -> Vec<String> {
    let option = reuseaddr_of(pid, fd).map(|value| format!("SO_REUSEADDR is {value}"));
    let (local, state) = (socket.local.to_string(), socket.state.into());
    let facts = [format!("process {pid}"), local, state];
    facts.into_iter().chain(option).collect()
}

/// Kills a server and its child. Each row: what happened last, the connection's two ends, a restart.
pub fn run_remains(build: &Build, option: bool) -> Result<Vec<Vec<String>>> {
    let row = |after: &str, address: SocketAddrV4| {
        let end = |of: fn(&Socket) -> SocketAddrV4| {
            let socket = (0..5)
                .flat_map(|_| sockets())
                .find(|socket| of(socket) == address);
            match socket.map(|socket| (socket.state, socket.timer)) {
                None => "none".to_string(),
                Some((state, 0)) => state.into(),
                Some((state, seconds)) => format!("{state}, {seconds} s left"),
            }
        };
        let ends = [end(|socket| socket.local), end(|socket| socket.peer)];
        let restart = build.serve_on(address, option)?.bind_result()?;
        Ok([vec![after.into()], ends.to_vec(), vec![restart]].concat())
    };
    let mut figure = Figure::new(build, option)?;
    figure.server.terminate(SIGKILL)?;
    let mut rows = vec![row("The server is killed.", figure.server.address)];
    let passive = "If instead the client closes before the child is killed";
    for (last, after) in [
        (Last::Nobody, "The child is killed too."),
        (Last::Client, "Then the client closes."),
        (Last::Child, passive),
    ] {
        let (server, _client, _) = ended(build, option, last)?;
        rows.push(row(after, server.address));
    }
    rows.into_iter().collect()
}

/// The end of a connection, and the restart of a killed server, without `code` in the function `serve` in C.
pub fn leave_out(code: &str) -> Result<String> {
    let folder = Folder::new();
    let build = &changed_serve(&folder, &format!("        {code}"), "");
    let figure = Figure::new(build, true)?;
    let (local, peer) = (figure.server.address, figure.client.address);
    let stream = &figure.client.stream;
    stream.shutdown(Shutdown::Write).map_err(text)?;
    wait_for_reaping(figure.child)?;
    let end = find_socket(local, peer).map_or("gone", |socket| socket.state);
    let restart = c2(build, true, true)?;
    Ok(format!("restart: {restart}; closed connection: {end}."))
}

/// The beginning of a system call, and the code that makes it if it has another name.
#[rustfmt::skip]
const CODE: [(&str, &str); 10] = [
    ("close(3)", "close(s)"), ("close(4)", "close(c)"), ("clone(", "fork("), ("exit_group(0)", "_exit("),
    ("read(", "read_some("), ("write(1,", "write_line"), ("poll([{fd=1,", "write_line"),
    ("write(2,", "exit_with_hint("), ("poll([{fd=2,", "exit_with_hint("), ("write(", "write_all("),
];

/// The system calls of each step.
pub type Calls = BTreeMap<usize, Vec<String>>;

/// Runs both builds, which have to make the same calls. Of the restarts, only bind's step is returned.
pub fn trace_steps(serve: &Pair) -> Result<Calls> {
    let (c, rust) = (session(&builds()[0])?, session(&builds()[1])?);
    same(&c, &rust)?;
    let (rows, mut found) = (serve.rows(), Calls::new());
    for who in ["SERVER: ", "REFUSED: ", "GRANTED: ", "OLD: "] {
        let mut last = 1;
        for line in c.iter().filter(|line| line.starts_with(who)) {
            let call = &line[who.len()..];
            let name = call.split_inclusive('(').next().unwrap_or(call);
            let code = CODE.iter().find(|(start, _)| call.starts_with(start));
            let code = code.map_or(name, |(_, code)| code);
            let contains = |part: &Option<&Part>| part.is_some_and(|part| part.contains(code));
            let steps = rows.iter().filter(|row| row.iter().all(contains));
            let mut steps = steps.filter_map(|[part, _]| part.as_ref()?.number());
            // The C library makes calls that no step contains; the second client's are in earlier ones.
            let Some(step) = steps.find(|step| *step >= last) else {
                continue;
            };
            last = step;
            let calls = found.entry(step).or_default();
            if (["SERVER: ", "OLD: "].contains(&who) || step == 3) && !calls.contains(line) {
                calls.push(line.clone());
            }
        }
    }
    let steps = serve.parts[1].iter().filter_map(Part::number);
    let all = found.len() == steps.count();
    let error = "serve: a step without a system call";
    all.then_some(found).ok_or(error.into())
}
