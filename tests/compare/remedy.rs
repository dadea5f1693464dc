//! R1 and R2, C1 and C2, K1 and K2: the remedy, its conditions, the code.

use super::agreement::{is_guest, same};
use super::figure::{Figure, seen, yes};
use crate::support::*;
use libc::SIGKILL;

/// Starts a server under strace. Returns it with the calls on sockets that it made until it listened or
/// failed, in which its socket's descriptor is replaced by `s` and the address by `ADDRESS`.
pub fn traced(build: &Build, address: SocketAddrV4, option: bool) -> Result<(Start, Vec<String>)> {
    let trace = Trace::new();
    let mut command = trace.strace("-e trace=socket,setsockopt,bind,listen,getsockopt");
    command.arg(&build.path).args(serve_args(address, option));
    let start = launch(command)?;
    let pid = match &start {
        Start::Listening(server) => server.pid,
        Start::Exited { pid, .. } => *pid,
    };
    let calls = fs::read_to_string(trace.file(pid)).map_err(text)?;
    // Only calls have a parenthesis.
    let calls = calls.lines().filter(|line| line.contains('('));
    let bind = calls.clone().find_map(|call| call.strip_prefix("bind("));
    let bind = bind.ok_or("strace shows no bind")?;
    let number = bind.split(',').next().unwrap_or(bind);
    let neutral = |call| {
        let call = without_pointers(call).replace(&format!("({number},"), "(s,");
        call.replace(&address.ip().to_string(), "ADDRESS")
    };
    Ok((start, calls.map(neutral).collect()))
}

/// The page's call, with its five arguments.
const SETSOCKOPT: &str = "setsockopt(s, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";

pub fn r1(build: &Build) -> Result<String> {
    let (_start, calls) = traced(build, fresh_address(), true)?;
    let order = [
        "socket(AF_INET, SOCK_STREAM",
        "setsockopt(s, SOL_SOCKET, SO_REUSEADDR",
        "bind(s, ",
        "listen(s, ",
    ]
    .map(|start| calls.iter().position(|call| call.starts_with(start)));
    let right = order.iter().all(Option::is_some) && order.is_sorted();
    let wrong = format!("expected the four in this order, seen {}", calls.join("; "));
    yes(right, &wrong)
}

pub fn k1(build: &Build) -> Result<String> {
    let (_start, calls) = traced(build, fresh_address(), true)?;
    let call = calls.iter().find(|call| call.contains("SO_REUSEADDR"));
    let call = call.map_or("no such call", |call| call);
    let wrong = format!("expected {SETSOCKOPT}, seen {call}");
    yes(call == SETSOCKOPT, &wrong).map(|yes| format!("{yes}\n{call}"))
}

pub fn k1_without(build: &Build) -> Result<String> {
    let (_start, mut calls) = traced(build, fresh_address(), true)?;
    let (_start, without) = traced(build, fresh_address(), false)?;
    let wrong = format!("expected {SETSOCKOPT}, seen {}", calls.join("; "));
    yes(calls.iter().any(|call| call == SETSOCKOPT), &wrong)?;
    calls.retain(|call| call != SETSOCKOPT);
    // The option that getsockopt returns has to differ.
    let as_if_on = |call: &String| call.replace("[0]", "[1]");
    same(&calls, &without.iter().map(as_if_on).collect::<Vec<_>>())
}

pub fn k2(build: &Build, option: bool) -> Result<String> {
    let (start, calls) = traced(build, fresh_address(), option)?;
    let reported = start.server()?.so_reuseaddr.clone();
    let start = "getsockopt(s, SOL_SOCKET, SO_REUSEADDR, [";
    let seen = calls.iter().find_map(|call| call.strip_prefix(start));
    let seen = seen.and_then(|rest| rest.strip_suffix("], [4]) = 0"));
    let seen = seen.ok_or("strace shows no getsockopt of SO_REUSEADDR")?;
    let wrong = format!("getsockopt returned {seen}, the server reports {reported}");
    yes(seen == reported, &wrong).map(|_| reported)
}

/// Terminates `old` by `signal`, and starts `new` on its address. The old client and a new one must be served.
pub fn r2(old: &Build, new: &Build, signal: i32) -> Result<String> {
    let mut figure = Figure::new(old, true)?;
    figure.client.echo("before, ")?;
    figure.server.terminate(signal)?;
    let restarted = new.serve_on(figure.server.address, true)?.server();
    let restarted = restarted.map_err(|error| format!("the restart: {error}"))?;
    figure.client.echo("after")?;
    Client::served(restarted.address)?;
    figure.client.echo("and still").map(seen)
}

/// Restarts the build as each other build of this project. If it is the guest, it also replaces each of them.
pub fn r2_across(build: &Build) -> Result<String> {
    for other in builds().iter().filter(|our| our.path != build.path) {
        let name = &other.name;
        r2(build, other, SIGKILL).map_err(|error| format!("restarted as {name}: {error}"))?;
        if is_guest(build) {
            r2(other, build, SIGKILL).map_err(|error| format!("restarted from {name}: {error}"))?;
        }
    }
    Ok("yes".into())
}

pub fn c1(build: &Build) -> Result<String> {
    let first = build.serve_on(fresh_address(), true)?.server()?;
    let result = build.serve_on(first.address, true)?.bind_result()?;
    Client::connect(first.address)?.echo("the first server still serves")?;
    Ok(result)
}

pub fn c1_child(build: &Build) -> Result<String> {
    let figure = Figure::new(build, true)?;
    let client = figure.client.address;
    only_socket(figure.child, |socket| socket.peer == client).map(seen)
}

/// Kills a server with the option `before` while its child serves, and restarts it with `after`.
pub fn c2(build: &Build, before: bool, after: bool) -> Result<String> {
    let mut figure = Figure::new(build, before)?;
    figure.server.terminate(SIGKILL)?;
    let restart = build.serve_on(figure.server.address, after)?;
    let result = restart.bind_result()?;
    figure.client.echo("still served")?;
    Ok(result)
}
