//! R1 and R2, C1 and C2, K1 and K2: the remedy, its conditions, the code.

use super::agreement::{difference, is_guest};
use super::figure::{Figure, yes};
use crate::support::{
    Build, Client, Result, Server, builds, fresh_address, launch, serve_args, sockets_of, tool,
    wait_for,
};
use libc::SIGKILL;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Starts a server under strace. Returns it with the calls on sockets that it made until it listened,
/// in which the descriptor of the listening socket is replaced by `s` and the address by `ADDRESS`.
pub fn traced(build: &Build, option: bool) -> Result<(Server, Vec<String>)> {
    let address = fresh_address();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.strace", address.ip()));
    let mut command = Command::new(tool("strace", "strace"));
    // -D: the server is our child, and strace a detached grandchild.
    command
        .args(["-D", "-f", "-e", "signal=none"])
        .args(["-e", "trace=socket,setsockopt,bind,listen,getsockopt"])
        .arg("-o")
        .arg(&file)
        .arg(&build.path)
        .args(serve_args(address, option));
    let start = launch(command);
    let trace = fs::read_to_string(&file).map_err(|error| format!("strace: {error}"));
    let _ = fs::remove_file(&file);
    let server = start?.server()?;
    // With -f a line begins with the process id. Only calls have a parenthesis.
    let calls: Vec<&str> = trace
        .iter()
        .flat_map(|trace| trace.lines())
        .map(|line| line.trim_start_matches(|first: char| !first.is_ascii_lowercase()))
        .filter(|line| line.contains('('))
        .collect();

    let number = calls
        .iter()
        .find_map(|call| call.strip_prefix("listen(")?.split(',').next())
        .ok_or("strace shows no listen")?;
    let calls = calls.iter().map(|call| {
        let words: Vec<&str> = call.split_whitespace().collect(); // strace aligns the results
        words
            .join(" ")
            .replace(&format!("({number},"), "(s,")
            .replace(&address.ip().to_string(), "ADDRESS")
    });
    let calls = calls.collect();
    Ok((server, calls))
}

/// The page's call, with its five arguments.
const SETSOCKOPT: &str = "setsockopt(s, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0";

pub fn r1(build: &Build) -> Result<String> {
    let (_server, calls) = traced(build, true)?;
    let order = [
        "socket(AF_INET, SOCK_STREAM",
        "setsockopt(s, SOL_SOCKET, SO_REUSEADDR",
        "bind(s, ",
        "listen(s, ",
    ]
    .map(|start| calls.iter().position(|call| call.starts_with(start)));
    let right = order.iter().all(Option::is_some) && order.is_sorted();
    let seen = calls.join("; ");
    yes(
        right,
        &format!("expected the four in this order, seen {seen}"),
    )
}

pub fn k1(build: &Build) -> Result<String> {
    let (_server, calls) = traced(build, true)?;
    let call = calls
        .iter()
        .find(|call| call.contains("SO_REUSEADDR"))
        .ok_or_else(|| format!("expected {SETSOCKOPT}, seen no such call"))?;
    yes(
        call == SETSOCKOPT,
        &format!("expected {SETSOCKOPT}, seen {call}"),
    )
    .map(|yes| format!("{yes}\n{call}"))
}

pub fn k1_without(build: &Build) -> Result<String> {
    let (_server, mut calls) = traced(build, true)?;
    let (_server, without) = traced(build, false)?;
    if !calls.contains(&SETSOCKOPT.to_string()) {
        let seen = calls.join("; ");
        return Err(format!("expected {SETSOCKOPT}, seen {seen}"));
    }
    calls.retain(|call| call != SETSOCKOPT);
    // The option that getsockopt returns has to differ.
    let as_if_on = |call: &String| call.replace("[0]", "[1]");
    let without: Vec<String> = without.iter().map(as_if_on).collect();
    difference(&calls, &without).map_or_else(|| Ok("yes".into()), Err)
}

pub fn k2(build: &Build, option: bool) -> Result<String> {
    let (server, calls) = traced(build, option)?;
    let seen = calls
        .iter()
        .find_map(|call| call.strip_prefix("getsockopt(s, SOL_SOCKET, SO_REUSEADDR, ["))
        .and_then(|rest| rest.strip_suffix("], [4]) = 0"))
        .ok_or("strace shows no getsockopt of SO_REUSEADDR")?;
    let reported = &server.so_reuseaddr;
    yes(
        seen == reported,
        &format!("getsockopt returned {seen}, the server reports {reported}"),
    )?;
    Ok(reported.clone())
}

/// Terminates the server of `old` by `signal` while a client is served, and starts `new` on its
/// address. Both the old client and a new one have to be served.
pub fn r2(old: &Build, new: &Build, signal: i32) -> Result<String> {
    let mut figure = Figure::new(old, true)?;
    figure.client.echo("before, ")?;
    figure.server.terminate(signal)?;
    let restarted = new.serve_on(figure.server.address, true)?.server();
    let restarted = restarted.map_err(|error| format!("the restart: {error}"))?;
    figure.client.echo("after")?;
    Client::of(&restarted)?.echo("new client")?;
    figure.client.echo("and still")?;
    Ok("yes".into())
}

/// Restarts the build as each other build of this project; a guest also in the other direction.
pub fn r2_across(build: &Build) -> Result<String> {
    for other in builds().iter().filter(|our| our.path != build.path) {
        r2(build, other, SIGKILL)
            .map_err(|error| format!("restarted as {}: {error}", other.name))?;
        if is_guest(build) {
            r2(other, build, SIGKILL)
                .map_err(|error| format!("restarted from {}: {error}", other.name))?;
        }
    }
    Ok("yes".into())
}

pub fn c1(build: &Build) -> Result<String> {
    let first = build.serve_on(fresh_address(), true)?.server()?;
    let verdict = build.serve_on(first.address, true)?.bind_result()?;
    Client::of(&first)?.echo("the first server still serves")?;
    Ok(verdict)
}

pub fn c1_child(build: &Build) -> Result<String> {
    let figure = Figure::new(build, true)?;
    wait_for("child whose only socket is the accepted one", || {
        let held = sockets_of(figure.child);
        (held.len() == 1 && held[0].peer == figure.client.address).then(|| "yes".into())
    })
}

/// Kills a server with the option `before` while its child serves, and restarts it with `after`.
pub fn c2(build: &Build, before: bool, after: bool) -> Result<String> {
    let mut figure = Figure::new(build, before)?;
    figure.server.terminate(SIGKILL)?;
    let verdict = build
        .serve_on(figure.server.address, after)?
        .bind_result()?;
    figure.client.echo("still served")?;
    Ok(verdict)
}
