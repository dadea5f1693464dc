//! One session of a server under strace, with clients of several kinds and restarts.

use super::*;
use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;

/// Starts `serve` under strace, which writes a file for each process: `files`, a dot and the pid.
fn traced(build: &Build, address: SocketAddrV4, option: bool, files: &Path) -> Result<Start> {
    let mut command = strace("-D -ff -s 256", files);
    command.arg(&build.path).args(serve_args(address, option));
    launch(command)
}

/// Runs the session, and returns the system calls of all its processes, one a line.
pub fn session(build: &Build) -> Result<Vec<String>> {
    let address = fresh_address();
    let folder = scratch(format!("{address}.trace"));
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let calls = traced_session(build, address, &folder);
    let _ = fs::remove_dir_all(&folder);
    // The hint after EADDRINUSE names the program as it was called.
    let program = build.path.display().to_string();
    let neutral = |call: String| call.replace(&program, "PROGRAM");
    Ok(calls?.into_iter().map(neutral).collect())
}

fn traced_session(build: &Build, address: SocketAddrV4, folder: &Path) -> Result<Vec<String>> {
    // Three clients: OLD stays connected, HALF half-closes, RUDE resets.
    let mut server = traced(build, address, true, &folder.join("start"))?.server()?;
    let mut old = Client::served(address)?;
    let mut half = Client::of(&server)?;
    half.echo("a half-")?;
    half.half_close()?;
    let mut rude = Client::of(&server)?;
    rude.echo("rude")?;
    let mut names = vec![
        ("SERVER", server.pid, None),
        ("OLD", server.child(&old)?, Some(old.address)),
        ("HALF", server.child(&half)?, Some(half.address)),
        ("RUDE", server.child(&rude)?, Some(rude.address)),
    ];
    rude.reset()?;
    server.error_line()?;
    wait_for_call(server.pid, libc::SYS_accept)?;

    // The server is killed in accept. A restart fails without the option, and succeeds with it.
    server.terminate(libc::SIGKILL)?;
    let refused = traced(build, address, false, &folder.join("refused"))?;
    if let Start::Listening(_) = refused {
        return Err("a restart without the option succeeds".into());
    }
    let mut granted = traced(build, address, true, &folder.join("granted"))?.server()?;
    old.echo("still there?")?;
    wait_for_call(granted.pid, libc::SYS_accept)?;
    granted.terminate(libc::SIGKILL)?;
    old.half_close()?;
    names.push(("GRANTED", granted.pid, None));

    let mut calls = Vec::new();
    for (name, pid, _) in &names {
        let granted = *name == "GRANTED";
        let run = if granted { "granted" } else { "start" };
        let trace = finished_trace(&folder.join(format!("{run}.{pid}")))?;
        calls.extend(neutral(name, &trace, address, &names));
    }
    for file in fs::read_dir(folder).map_err(text)?.flatten() {
        if file.file_name().to_string_lossy().starts_with("refused.") {
            let trace = finished_trace(&file.path())?;
            calls.extend(neutral("REFUSED", &trace, address, &names));
        }
    }
    Ok(calls)
}

/// The trace of a process, once its end is recorded in it.
pub fn finished_trace(file: &Path) -> Result<String> {
    wait_for(format!("end in {}", file.display()), || {
        let trace = fs::read_to_string(file).ok()?;
        trace.lines().last()?.starts_with("+++").then_some(trace)
    })
}

/// The calls of process `name`: all calls of a child process, and those of a server from the first socket(2)
/// on. Replaces what is different in every run: addresses, process ids, ports, pointers, and the lengths of
/// texts that contain them.
fn neutral(
    name: &str,
    trace: &str,
    address: SocketAddrV4,
    names: &[(&str, i32, Option<SocketAddrV4>)],
) -> Vec<String> {
    let is_child = |(other, _, peer): &(&str, _, Option<_>)| *other == name && peer.is_some();
    let child = names.iter().any(is_child);
    let calls = trace
        .lines()
        .skip_while(|line| !child && !line.starts_with("socket("))
        // The call that SIGKILL interrupts: strace may write it, or not.
        .filter(|line| !line.contains("<unfinished ...>"));
    let neutral = |line| {
        let mut call = without_lengths(&without_pointers(line));
        call = call.replace(&address.ip().to_string(), "ADDRESS");
        for (other, pid, peer) in names {
            // Only at the places of process ids and ports: another number may have the same value.
            for (before, after) in [("server ", ":"), ("child ", " "), ("child ", ":")] {
                let replacement = format!("{before}{other}{after}");
                call = call.replace(&format!("{before}{pid}{after}"), &replacement);
            }
            if let Some(start) = call.strip_suffix(&format!(" = {pid}")) {
                call = format!("{start} = {other}");
            }
            let port = peer.map_or(0, |peer| peer.port());
            for (before, after) in [("htons(", ")"), ("127.0.0.1:", "")] {
                let replacement = format!("{before}{other}-PORT{after}");
                call = call.replace(&format!("{before}{port}{after}"), &replacement);
            }
        }
        format!("{name}: {call}")
    };
    calls.map(neutral).collect()
}

/// Texts in calls of the start-up alone: those of the C library, and the last one of Rust's runtime.
const START_UP: &str = "arch_prctl(|set_tid_address(|set_robust_list(|rseq(|SA_ONSTACK";
/// Left out as well: calls for stdio, getaddrinfo(3) and static programs, and SIGCHLD, which comes at any time.
const LEFT_OUT: &str = "TCGETS|NETLINK|nlmsg_|RLIMIT_STACK|/proc/self/exe|--- SIGCHLD";

/// The calls in the trace of a process, without the start-up of each program that it executes.
pub fn without_start_up(trace: &str) -> Vec<&str> {
    let (mut calls, mut program) = (Vec::new(), 0);
    for line in trace.lines() {
        let has = |texts: &str| texts.split('|').any(|text| line.contains(text));
        if has(START_UP) {
            calls.truncate(program);
        } else if !has(LEFT_OUT) {
            calls.push(line);
        }
        if line.starts_with("execve(") && line.ends_with(" = 0") && calls.len() > 1 {
            program = calls.len();
        }
    }
    calls
}

/// A line of a trace with one space between its words, and POINTER for each number in hexadecimal.
pub fn without_pointers(call: &str) -> String {
    // strace aligns the results.
    let words: Vec<&str> = call.split_whitespace().collect();
    let call = words.join(" ");
    masked(&call, "0x", |c| !c.is_ascii_hexdigit()).replace("0x", "POINTER")
}

/// Removes the text between each `start` and the next character that is an `end`, or the end of the line.
pub fn masked(call: &str, start: &str, end: impl Fn(char) -> bool) -> String {
    let mut pieces = call.split(start);
    let mut masked = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        masked += start;
        masked += piece.find(&end).map_or("", |end| &piece[end..]);
    }
    masked
}

/// Replaces the length of a text in a write by LENGTH, if it is right and all was written.
pub fn without_lengths(call: &str) -> String {
    let arguments = call.strip_prefix("write(");
    let Some((_, text)) = arguments.and_then(|all| all.split_once(", \"")) else {
        return call.into();
    };
    let text = text.rsplit_once("\", ").map_or(text, |(text, _)| text);
    let length = text.replace("\\n", "\n").len();
    let right = format!("\", {length}) = {length}");
    call.replace(&right, "\", LENGTH) = LENGTH")
}
