//! R1 and R2, C1 and C2, K1 and K2: the remedy, its two conditions, the code.

use crate::agreement::is_guest;
use crate::setting::{Figure, yes};
use crate::support::{
    Build, Client, Result, Server, fresh_address, launch, serve_words, sockets_of, tool, wait_for,
};
use libc::SIGKILL;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A server started under strace, and the calls on sockets that it made until it listened.
///
/// In the calls, the listening socket is `s`, whatever its number, and the address `ADDRESS`.
pub fn traced(build: &Build, option: bool) -> Result<(Server, Vec<String>)> {
    let address = fresh_address();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.strace", address.ip()));
    let mut command = Command::new(tool("strace", "strace"));
    // -D: the server is the process that we start, and strace a grandchild.
    command
        .args(["-D", "-f", "-e", "signal=none"])
        .args(["-e", "trace=socket,setsockopt,bind,listen,getsockopt"])
        .arg("-o")
        .arg(&file)
        .arg(&build.path)
        .args(serve_words(address, option));
    let start = launch(command);
    let trace = fs::read_to_string(&file).map_err(|error| format!("strace: {error}"));
    let _ = fs::remove_file(&file);
    let server = start?.server()?;
    // With -f a line begins with the process id; what is no call has no parenthesis.
    let calls: Vec<&str> = trace
        .iter()
        .flat_map(|trace| trace.lines())
        .map(|line| line.trim_start_matches(|first: char| !first.is_ascii_lowercase()))
        .filter(|line| line.contains('('))
        .collect();

    let number = calls
        .iter()
        .find_map(|call| call.strip_prefix("listen(")?.split(',').next())
        .ok_or("strace saw no listen")?;
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

pub fn r1(build: &Build, _: &[Build]) -> Result<String> {
    let (_server, calls) = traced(build, true)?;
    let order = [
        "socket(AF_INET, SOCK_STREAM",
        "setsockopt(s, SOL_SOCKET, SO_REUSEADDR",
        "bind(s, ",
        "listen(s, ",
    ]
    .map(|start| calls.iter().position(|call| call.starts_with(start)));
    yes(
        order.iter().all(Option::is_some) && order.is_sorted(),
        &format!("the calls are {}", calls.join("; ")),
    )
}

pub fn k1(build: &Build, _: &[Build]) -> Result<String> {
    let (_server, calls) = traced(build, true)?;
    let call = calls
        .iter()
        .find(|call| call.contains("SO_REUSEADDR"))
        .ok_or("SO_REUSEADDR is not set")?;
    yes(call == SETSOCKOPT, call).map(|yes| format!("{yes}\n{call}"))
}

pub fn k1_without(build: &Build, _: &[Build]) -> Result<String> {
    let (_server, mut calls) = traced(build, true)?;
    let (_server, without) = traced(build, false)?;
    if !calls.contains(&SETSOCKOPT.to_string()) {
        return Err(format!("no {SETSOCKOPT} among {}", calls.join("; ")));
    }
    calls.retain(|call| call != SETSOCKOPT);
    let neutral = |calls: &[String]| calls.join("; ").replace("[0]", "[1]");
    yes(
        neutral(&calls) == neutral(&without),
        &format!(
            "with it {}; without it {}",
            calls.join("; "),
            without.join("; ")
        ),
    )
}

pub fn k2(build: &Build, option: bool) -> Result<String> {
    let (server, calls) = traced(build, option)?;
    let seen = calls
        .iter()
        .find_map(|call| call.strip_prefix("getsockopt(s, SOL_SOCKET, SO_REUSEADDR, ["))
        .and_then(|rest| rest.strip_suffix("], [4]) = 0"))
        .ok_or("it does not ask with getsockopt")?;
    let said = &server.option;
    yes(seen == said, &format!("it says {said}, the kernel {seen}")).map(|_| said.clone())
}

/// Has `signal` end a server in mid-conversation and `new` start in its place; old client and new
/// are served.
pub fn r2(old: &Build, new: &Build, signal: i32) -> Result<String> {
    let mut figure = Figure::new(old, true)?;
    figure.client.echo("before, ")?;
    figure.server.end_by(signal)?;
    let restarted = new.serve_on(figure.server.address, true)?.server();
    let restarted = restarted.map_err(|error| format!("restarted, {error}"))?;
    figure.client.echo("after")?;
    Client::of(&restarted)?.echo("new client")?;
    figure.client.echo("and still")?;
    Ok("yes".into())
}

/// Restarts as each other build of this project, and a guest also after each of them.
pub fn r2_across(build: &Build, ours: &[Build]) -> Result<String> {
    let guest = is_guest(build, ours);
    for other in ours.iter().filter(|our| our.path != build.path) {
        r2(build, other, SIGKILL).map_err(|error| format!("then {}: {error}", other.name))?;
        if guest {
            r2(other, build, SIGKILL).map_err(|error| format!("after {}: {error}", other.name))?;
        }
    }
    Ok("yes".into())
}

pub fn c1(build: &Build, _: &[Build]) -> Result<String> {
    let first = build.serve_on(fresh_address(), true)?.server()?;
    let verdict = build.serve_on(first.address, true)?.verdict()?;
    Client::of(&first)?.echo("the first one serves on")?;
    Ok(verdict)
}

pub fn c1_child(build: &Build, _: &[Build]) -> Result<String> {
    let figure = Figure::new(build, true)?;
    wait_for("child that holds its connected socket alone", || {
        let held = sockets_of(figure.child);
        (held.len() == 1 && held[0].peer == figure.client.address).then(|| "yes".into())
    })
}

pub fn c2(build: &Build, before: bool, after: bool) -> Result<String> {
    let mut figure = Figure::new(build, before)?;
    figure.server.end_by(SIGKILL)?;
    let verdict = build.serve_on(figure.server.address, after)?.verdict()?;
    figure.client.echo("still served")?;
    Ok(verdict)
}
