//! A session with all that happens to a server, as the kernel sees it.

use super::{
    Build, Client, Result, Start, fresh_address, launch, serve_words, tool, wait_for, wait_for_call,
};
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Starts `serve` under strace, which writes a file for each process: `files` and its id.
fn traced(build: &Build, address: SocketAddrV4, option: bool, files: &Path) -> Result<Start> {
    let mut command = Command::new(tool("strace", "strace"));
    command
        .args(["-D", "-ff", "-s", "256", "-o"])
        .arg(files)
        .arg(&build.path)
        .args(serve_words(address, option));
    launch(command)
}

/// A session with all that happens to a server, in a folder of its own: the calls, a line each.
pub fn session(build: &Build) -> Result<Vec<String>> {
    let address = fresh_address();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{address}.trace"));
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let calls = traced_session(build, address, &folder);
    let _ = fs::remove_dir_all(&folder);
    calls
}

fn traced_session(build: &Build, address: SocketAddrV4, folder: &Path) -> Result<Vec<String>> {
    // Three clients: one talks on, one half-closes, one resets.
    let mut server = traced(build, address, true, &folder.join("start"))?.server()?;
    let mut old = Client::of(&server)?;
    old.echo("hello")?;
    let mut half = Client::of(&server)?;
    half.echo("a half-")?;
    half.finish()?;
    let mut rude = Client::of(&server)?;
    rude.echo("rude")?;
    let mut names = vec![
        ("SERVER", server.pid, None),
        ("OLD", server.child(&old)?, Some(old.address)),
        ("HALF", server.child(&half)?, Some(half.address)),
        ("RUDE", server.child(&rude)?, Some(rude.address)),
    ];
    rude.reset()?;
    server.complaint()?;
    wait_for_call(server.pid, libc::SYS_accept)?;

    // The server is killed in accept; a restart is refused, and another one granted; the first client stays.
    server.end_by(libc::SIGKILL)?;
    let refused = traced(build, address, false, &folder.join("refused"))?;
    if let Start::Listening(_) = refused {
        return Err("a restart without the option is granted".into());
    }
    let mut granted = traced(build, address, true, &folder.join("granted"))?.server()?;
    old.echo("still there?")?;
    wait_for_call(granted.pid, libc::SYS_accept)?;
    granted.end_by(libc::SIGKILL)?;
    old.finish()?;
    names.push(("GRANTED", granted.pid, None));

    let mut calls = Vec::new();
    for (name, pid, _) in &names {
        let run = if *name == "GRANTED" {
            "granted"
        } else {
            "start"
        };
        let trace = finished_trace(&folder.join(format!("{run}.{pid}")))?;
        calls.extend(neutral(name, &trace, address, &names));
    }
    let refused = fs::read_dir(folder).map_err(|error| error.to_string())?;
    for file in refused.flatten().map(|entry| entry.path()) {
        if file.file_stem().is_some_and(|stem| stem == "refused") {
            let trace = finished_trace(&file)?;
            calls.extend(neutral("REFUSED", &trace, address, &names));
        }
    }
    Ok(calls)
}

/// The trace of a process, once it tells of its end.
fn finished_trace(file: &Path) -> Result<String> {
    wait_for(format!("end in {}", file.display()), || {
        let trace = fs::read_to_string(file).ok()?;
        trace.lines().last()?.starts_with("+++").then_some(trace)
    })
}

/// The calls of process `name`, from the first socket or, in a child, from the first one on; what is
/// different in every run is replaced: addresses, process ids, ports, pointers, and the lengths of
/// texts that contain them.
fn neutral(
    name: &str,
    trace: &str,
    address: SocketAddrV4,
    names: &[(&str, i32, Option<SocketAddrV4>)],
) -> Vec<String> {
    let child = names
        .iter()
        .any(|(other, _, peer)| *other == name && peer.is_some());
    let begin = |line: &&str| !child && !line.starts_with("socket(");
    trace
        .lines()
        .skip_while(begin)
        // The call that SIGKILL met: strace may have come to write it, or not.
        .filter(|line| !line.contains("<unfinished ...>"))
        .map(|line| {
            let mut call = without_lengths(&without_pointers(line));
            call = call.replace(&address.ip().to_string(), "ADDRESS");
            for (other, pid, peer) in names {
                // Only where a process id or a port stands: another number may be equal to it.
                for (before, after) in [("server ", ":"), ("child ", " "), ("child ", ":")] {
                    call = call.replace(
                        &format!("{before}{pid}{after}"),
                        &format!("{before}{other}{after}"),
                    );
                }
                if let Some(start) = call.strip_suffix(&format!(" = {pid}")) {
                    call = format!("{start} = {other}");
                }
                let port = peer.map_or(0, |peer| peer.port());
                call = call.replace(&format!("htons({port})"), &format!("htons({other}-PORT)"));
                call = call.replace(
                    &format!("127.0.0.1:{port}"),
                    &format!("127.0.0.1:{other}-PORT"),
                );
            }
            format!("{name}: {call}")
        })
        .collect()
}

/// A line of a trace with one space between its words, and POINTER for each number in hexadecimal.
pub fn without_pointers(call: &str) -> String {
    // strace aligns the results.
    let words: Vec<&str> = call.split_whitespace().collect();
    let call = words.join(" ");
    let mut pieces = call.split("0x");
    let mut replaced = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        replaced += "POINTER";
        replaced += piece.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    replaced
}

/// In a write of a whole text, its length becomes LENGTH, where it is right.
fn without_lengths(call: &str) -> String {
    let text = call
        .strip_prefix("write(")
        .and_then(|rest| rest.split_once(", \"")?.1.rsplit_once("\", "));
    match text {
        Some((text, _)) => {
            let length = text.replace("\\n", "\n").len();
            let right = format!("\", {length}) = {length}");
            call.replace(&right, "\", LENGTH) = LENGTH")
        }
        None => call.into(),
    }
}

/// `text` in lines of at most `width` columns: broken at a space where there is one, and what follows
/// the first line stands four columns further in.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start().len();
    let mut rest: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        let start = rest.iter().position(|c| *c != ' ').unwrap_or(0);
        let space = rest[..=width].iter().rposition(|c| *c == ' ');
        let end = space.filter(|space| *space > start).unwrap_or(width);
        lines.push(rest[..end].iter().collect());
        let further = " ".repeat((indent + 4).min(width / 2));
        let left: String = rest[end..].iter().collect();
        rest = (further + left.trim_start()).chars().collect();
    }
    lines.push(rest.iter().collect());
    lines
}
