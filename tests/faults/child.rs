//! Calls of a child that fail: its own client may lose the connection, and no other client notices.

use super::{OCCURRENCES, same, trace_file, try_each};
use crate::load::numbered;
use crate::support::{
    Build, Client, Result, Server, builds, fresh_address, prepare_child, send_signal, set_option,
    small_client, text, tool, wait_for, wait_for_call, wait_for_stop,
};
use libc::*;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::thread;

/// A server, and a strace that attached to it, and follows its children, while it waited in accept.
struct Traced {
    server: Server,
    strace: Child,
}

impl Traced {
    /// Starts both; `options` are strace's.
    fn start(build: &Build, options: &[&str]) -> Result<Traced> {
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let mut command = Command::new(tool("strace", "strace"));
        command.args(["-f", "-e", "signal=none", "-o"]);
        command.arg(trace_file(server.address)).args(options);
        command
            .args(["-p", &server.pid.to_string()])
            .stderr(Stdio::null());
        prepare_child(&mut command);
        let strace = command.spawn().map_err(text)?;
        wait_for("strace at the server", || {
            let status = fs::read_to_string(format!("/proc/{}/status", server.pid)).ok()?;
            (!status.contains("\nTracerPid:\t0\n")).then_some(())
        })?;
        Ok(Traced { server, strace })
    }

    /// Detaches strace, and returns its trace.
    fn detach(&mut self) -> Result<String> {
        send_signal(self.strace.id() as i32, SIGTERM)?;
        self.strace.wait().map_err(text)?;
        let file = trace_file(self.server.address);
        let trace = fs::read_to_string(&file).map_err(text)?;
        fs::remove_file(file).map_err(text)?;
        Ok(trace)
    }
}

/// In a child, `call` fails once it has been made `before` times and some: the client of the child loses
/// its connection, and others are served.
fn costs_its_client(call: &str, before: usize, errors: &[i32]) -> Result<()> {
    try_each(errors, &OCCURRENCES, |build, error, occurrence| {
        let when = before + occurrence;
        let injection = format!("inject={call}:error={}:when={when}", error.0);
        let mut traced = Traced::start(build, &["-e", &injection])?;
        let mut client = Client::of(&traced.server)?;
        for _ in 1..occurrence {
            client.echo("hello")?;
        }
        let _ = client.stream.write_all(b"lost");
        let line = format!("reuseaddr: {call} {}: {error}", client.address);
        same(traced.server.error_line()?, line)?;
        // End of file, or a reset if the child had not read everything.
        let _ = client.stream.read_to_end(&mut Vec::new());
        same(traced.detach()?.matches("(INJECTED)").count(), 1)?;
        Client::of(&traced.server)?.echo("hello")?;
        same(traced.server.finish(), vec![])
    })
}

/// With strace's `injection` all clients are served; the trace contains `mark`.
fn costs_nobody(build: &Build, injection: &str, mark: &str) -> Result<()> {
    let mut traced = Traced::start(build, &["-e", "signal=all", "-e", injection])?;
    for _ in 0..4 {
        let mut client = Client::of(&traced.server)?;
        for text in ["hello", "still there?", "and now?"] {
            client.echo(text)?;
        }
    }
    same(traced.detach()?.contains(mark), true)?;
    same(traced.server.finish(), vec![])
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
    #[rustfmt::skip]
    let errors = [
        EAGAIN, EBADF, ECONNRESET, EDESTADDRREQ, EDQUOT, EFAULT, EFBIG, EINVAL, EIO, ENOSPC, EPERM, EPIPE,
    ];
    // The first write is the line about the new child.
    costs_its_client("write", 1, &errors)
}

#[test]
fn a_read_or_write_that_is_interrupted_is_made_again() -> Result<()> {
    for (call, before) in [("read", 0), ("write", 1)] {
        try_each(&[EINTR], &OCCURRENCES, |build, error, occurrence| {
            let when = before + occurrence;
            let injection = format!("inject={call}:error={}:when={when}", error.0);
            costs_nobody(build, &injection, "(INJECTED)")
        })?;
    }
    Ok(())
}

#[test]
fn a_line_that_cannot_be_written_and_a_failed_close_cost_nobody() -> Result<()> {
    let write = [EAGAIN, EBADF, EDQUOT, EFBIG, EINTR, EIO, ENOSPC, EPIPE];
    let close = [EBADF, EDQUOT, EINTR, EIO, ENOSPC];
    for (call, errors, occurrences) in [
        ("write", &write[..], &[1][..]),
        ("close", &close, &OCCURRENCES),
    ] {
        try_each(errors, occurrences, |build, error, occurrence| {
            let injection = format!("inject={call}:error={}:when={occurrence}", error.0);
            costs_nobody(build, &injection, "(INJECTED)")
        })?;
    }
    Ok(())
}

#[test]
fn a_signal_that_does_not_terminate_costs_nobody_whatever_call_it_interrupts() -> Result<()> {
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

/// Sets an option of the socket that `process` has as `fd`.
fn set_option_of(process: i32, fd: i32, name: i32, value: i32) -> Result<()> {
    // SAFETY: no pointers; any argument value is safe.
    let pidfd = unsafe { syscall(SYS_pidfd_open, process, 0) } as i32;
    // SAFETY: no pointers; any argument value is safe.
    let copy = unsafe { syscall(SYS_pidfd_getfd, pidfd, fd, 0) } as i32;
    let reason = errno::errno();
    // SAFETY: pidfd is not used again.
    unsafe { close(pidfd) };
    if copy == -1 {
        return Err(format!("pidfd_getfd: {reason}"));
    }
    // SAFETY: copy is a new descriptor, and nothing else owns it.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    set_option(&copy, SOL_SOCKET, name, value).map_err(text)
}

/// Whether `line` of a trace is a write of fewer bytes than it was asked for.
fn is_short(line: &str) -> Option<bool> {
    let (call, written) = line.rsplit_once(") = ")?;
    let length: usize = call.rsplit(' ').next()?.parse().ok()?;
    Some(written.parse::<usize>().ok()? < length)
}

#[test]
fn a_short_write_is_continued_where_it_stopped() -> Result<()> {
    for build in builds() {
        let mut traced = Traced::start(build, &["-e", "trace=write"])?;
        let server = &mut traced.server;
        // Small buffers on both sides make a write wait several times; one that is stopped then is short.
        set_option_of(server.pid, 3, SO_SNDBUF, 1)?;
        let client = small_client(server.address.into()).and_then(Client::new);
        let client = client.map_err(text)?;
        let child = server.child(&client)?;
        let sent = numbered(200_000);
        let mut received = vec![0; sent.len()];
        thread::scope(|scope| -> Result<()> {
            let mut stream = &client.stream;
            scope.spawn(|| (&client.stream).write_all(&sent));
            let (pieces, rest) = received.split_at_mut(20 * 3000);
            for piece in pieces.chunks_mut(3000) {
                wait_for_call(child, SYS_write)?;
                send_signal(child, SIGSTOP)?;
                wait_for_stop(child)?;
                send_signal(child, SIGCONT)?;
                stream.read_exact(piece).map_err(text)?;
            }
            stream.read_exact(rest).map_err(text)
        })?;
        same(received == sent, true)?;
        let trace = traced.detach()?;
        same(trace.lines().any(|line| is_short(line) == Some(true)), true)?;
    }
    Ok(())
}
