//! The calls of a conversation: a child that fails is the loss of its own client, and of nobody else.

use super::{OCCURRENCES, same, trace_file, try_each};
use crate::support::{
    Build, Client, Result, Server, builds, fresh_address, leave_nothing_behind, send_signal,
    set_option, small_client, tool, wait_for, wait_for_call, wait_for_stop,
};
use libc::*;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread;

/// A server, and strace at it and its children; it came when the server was waiting in accept.
struct Tampered {
    server: Server,
    strace: Child,
}

impl Tampered {
    /// Has strace do what `words` say.
    fn with(build: &Build, words: &[&str]) -> Result<Tampered> {
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let mut command = Command::new(tool("strace", "strace"));
        command.args(["-f", "-e", "signal=none", "-o"]);
        command.arg(trace_file(server.address)).args(words);
        command
            .args(["-p", &server.pid.to_string()])
            .stderr(Stdio::null());
        leave_nothing_behind(&mut command);
        let strace = command.spawn().map_err(|error| error.to_string())?;
        wait_for("strace at the server", || {
            let status = fs::read_to_string(format!("/proc/{}/status", server.pid)).ok()?;
            (!status.contains("\nTracerPid:\t0\n")).then_some(())
        })?;
        Ok(Tampered { server, strace })
    }

    /// Takes strace away, and returns what it wrote.
    fn let_go(&mut self) -> Result<String> {
        send_signal(self.strace.id() as i32, SIGTERM)?;
        self.strace.wait().map_err(|error| error.to_string())?;
        let file = trace_file(self.server.address);
        let trace = fs::read_to_string(&file).map_err(|error| error.to_string())?;
        fs::remove_file(file).map_err(|error| error.to_string())?;
        Ok(trace)
    }
}

/// Has `call` fail when a conversation has come so far, in a child; its client loses the connection, and
/// everybody else is served.
fn costs_its_client(call: &str, before: usize, errors: &[i32]) -> Result<()> {
    try_each(errors, &OCCURRENCES, |build, error, occurrence| {
        let when = before + occurrence;
        let injection = format!("inject={call}:error={}:when={when}", error.0);
        let mut tampered = Tampered::with(build, &["-e", &injection])?;
        let mut client = Client::of(&tampered.server)?;
        for _ in 1..occurrence {
            client.echo("hello")?;
        }
        let _ = client.stream.write_all(b"lost");
        let complaint = format!("reuseaddr: {call} {}: {error}", client.address);
        same(tampered.server.complaint()?, complaint)?;
        // End of file, or a reset if the child had not read all.
        let _ = client.stream.read_to_end(&mut Vec::new());
        let trace = tampered.let_go()?;
        same(trace.matches("(INJECTED)").count(), 1)?;
        Client::of(&tampered.server)?.echo("hello")?;
        same(tampered.server.finish(), vec![])
    })
}

/// With strace's `injection` the server goes on as if nothing were; `mark` is in what strace writes of it.
fn costs_nobody(build: &Build, injection: &str, mark: &str) -> Result<()> {
    let mut tampered = Tampered::with(build, &["-e", "signal=all", "-e", injection])?;
    for _ in 0..4 {
        let mut client = Client::of(&tampered.server)?;
        for text in ["hello", "still there?", "and now?"] {
            client.echo(text)?;
        }
    }
    let trace = tampered.let_go()?;
    same(trace.contains(mark), true)?;
    same(tampered.server.finish(), vec![])
}

#[test]
fn a_read_that_fails_costs_one_client() -> Result<()> {
    let errors = [
        EAGAIN, EBADF, ECONNRESET, EFAULT, EINVAL, EIO, EISDIR, ETIMEDOUT,
    ];
    costs_its_client("read", 0, &errors)
}

#[test]
fn a_write_that_fails_costs_one_client() -> Result<()> {
    let errors = [
        EAGAIN,
        EBADF,
        ECONNRESET,
        EDESTADDRREQ,
        EDQUOT,
        EFAULT,
        EFBIG,
        EINVAL,
        EIO,
        ENOSPC,
        EPERM,
        EPIPE,
    ];
    // The first one is the line that says whom the child serves.
    costs_its_client("write", 1, &errors)
}

#[test]
fn a_read_or_write_that_is_interrupted_is_made_again() -> Result<()> {
    for call in ["read", "write"] {
        try_each(&[EINTR], &OCCURRENCES, |build, error, occurrence| {
            let when = usize::from(call == "write") + occurrence;
            let injection = format!("inject={call}:error={}:when={when}", error.0);
            costs_nobody(build, &injection, "(INJECTED)")
        })?;
    }
    Ok(())
}

#[test]
fn a_line_that_cannot_be_written_and_a_failed_close_cost_nobody() -> Result<()> {
    let errors = [EAGAIN, EBADF, EDQUOT, EFBIG, EINTR, EIO, ENOSPC, EPIPE];
    try_each(&errors, &[1], |build, error, _| {
        let injection = format!("inject=write:error={}:when=1", error.0);
        costs_nobody(build, &injection, "(INJECTED)")
    })?;
    try_each(
        &[EBADF, EDQUOT, EINTR, EIO, ENOSPC],
        &OCCURRENCES,
        |build, error, occurrence| {
            let injection = format!("inject=close:error={}:when={occurrence}", error.0);
            costs_nobody(build, &injection, "(INJECTED)")
        },
    )
}

#[test]
fn a_signal_that_is_no_end_costs_nobody_whatever_call_it_meets() -> Result<()> {
    for (signal, name) in [
        (SIGPIPE, "SIGPIPE"),
        (SIGCHLD, "SIGCHLD"),
        (SIGCONT, "SIGCONT"),
        (SIGWINCH, "SIGWINCH"),
    ] {
        try_each(&[signal], &OCCURRENCES, |build, _, occurrence| {
            let calls = "accept,clone,close,read,write";
            let injection = format!("inject={calls}:signal={name}:when={occurrence}");
            costs_nobody(build, &injection, &format!("--- {name} "))
        })?;
    }
    Ok(())
}

/// Sets an option of a socket that `process` has as `fd`.
fn set_option_of(process: i32, fd: i32, name: i32, value: i32) -> Result<()> {
    // SAFETY: numbers go in, a number comes out.
    let pidfd = unsafe { syscall(SYS_pidfd_open, process, 0) } as i32;
    // SAFETY: numbers go in, a number comes out.
    let copy = unsafe { syscall(SYS_pidfd_getfd, pidfd, fd, 0) } as i32;
    let reason = errno::errno();
    // SAFETY: it is ours, and not used again.
    unsafe { close(pidfd) };
    if copy == -1 {
        return Err(format!("pidfd_getfd: {reason}"));
    }
    // SAFETY: copy is open, and nobody else's.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    set_option(&copy, SOL_SOCKET, name, value).map_err(|error| error.to_string())
}

#[test]
fn a_write_that_ends_halfway_is_taken_up_where_it_ended() -> Result<()> {
    for build in builds() {
        let mut tampered = Tampered::with(build, &["-e", "trace=write"])?;
        let server = &mut tampered.server;
        // With little room on both ways a write is done in pieces, and stopped between them it is short.
        set_option_of(server.pid, 3, SO_SNDBUF, 1)?;
        let client = small_client(server.address.into()).and_then(Client::new);
        let client = client.map_err(|error| error.to_string())?;
        let child = server.child(&client)?;
        let sent: Vec<u8> = (0..200_000_u32)
            .map(|number| (number % 251) as u8)
            .collect();
        let mut received = Vec::new();
        thread::scope(|scope| -> Result<()> {
            let mut stream = &client.stream;
            scope.spawn(|| (&client.stream).write_all(&sent));
            for _ in 0..20 {
                wait_for_call(child, SYS_write)?;
                send_signal(child, SIGSTOP)?;
                wait_for_stop(child)?;
                send_signal(child, SIGCONT)?;
                let mut some = [0; 3000];
                stream
                    .read_exact(&mut some)
                    .map_err(|error| error.to_string())?;
                received.extend(some);
            }
            let mut rest = vec![0; sent.len() - received.len()];
            stream
                .read_exact(&mut rest)
                .map_err(|error| error.to_string())?;
            received.extend(rest);
            Ok(())
        })?;
        same(received == sent, true)?;
        let trace = tampered.let_go()?;
        let short = |line: &str| {
            let (call, written) = line.rsplit_once(") = ")?;
            let (length, written): (usize, usize) = (
                call.rsplit(' ').next()?.parse().ok()?,
                written.parse().ok()?,
            );
            (written < length).then_some(())
        };
        same(trace.lines().any(|line| short(line).is_some()), true)?;
    }
    Ok(())
}
