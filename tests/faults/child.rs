//! Calls of a child process that fail: at most its own client loses the connection.

use super::*;
use libc::*;

/// If one `call` of a child process fails, its client loses the connection, the last line counts what was
/// echoed, and others are served. `before` calls are not for the client.
fn costs_its_client(call: &str, before: usize, errors: &[i32]) -> Result<()> {
    try_each(errors, &OCCURRENCES, |build, error, occurrence| {
        let when = before + occurrence;
        let injection = format!("-e inject={call}:error={}:when={when}", error.0);
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let strace = Strace::attach(server.pid, &injection)?;
        let mut client = Client::connect(server.address)?;
        for _ in 1..occurrence {
            client.echo("hello")?;
        }
        let _ = client.stream.write_all(b"lost");
        let line = format!("reuseaddr: {call} {}: {error}", client.address);
        same(server.error_line()?, line)?;
        let bytes = 5 * (occurrence - 1);
        let closed = format!(": {} closed after {bytes} bytes", client.address);
        server.line(&closed, |line| line.ends_with(&closed))?;
        // End of file, or a reset if the child had not read everything.
        let _ = client.stream.read_to_end(&mut Vec::new());
        same(strace.detach()?.matches("(INJECTED)").count(), 1)?;
        serve_clients(&server, 1)?;
        same(server.finish(), vec![])
    })
}

/// If `call` fails with each of `errors`, after `before` calls, all clients are served.
fn costs_nobody(call: &str, before: usize, errors: &[i32], occurrences: &[usize]) -> Result<()> {
    try_each(errors, occurrences, |build, error, occurrence| {
        let when = before + occurrence;
        let injection = format!("inject={call}:error={}:when={when}", error.0);
        all_are_served(build, &injection, "(INJECTED)")
    })
}

/// With strace's `injection` all clients are served; the trace contains `mark`.
fn all_are_served(build: &Build, injection: &str, mark: &str) -> Result<()> {
    let server = build.serve_on(fresh_address(), true)?.server()?;
    let strace = Strace::attach(server.pid, &format!("-e signal=all -e {injection}"))?;
    for _ in 0..4 {
        let mut client = Client::connect(server.address)?;
        for text in ["hello", "still there?", "and now?"] {
            client.echo(text)?;
        }
    }
    same(strace.detach()?.contains(mark), true)?;
    same(server.finish(), vec![])
}

#[test]
fn a_read_or_a_write_that_fails_costs_one_client() -> Result<()> {
    #[rustfmt::skip]
    let [read, write] = [
        &[EAGAIN, EBADF, ECONNRESET, EFAULT, EINVAL, EIO, EISDIR, ETIMEDOUT][..],
        &[EAGAIN, EBADF, ECONNRESET, EDESTADDRREQ, EDQUOT, EFAULT, EFBIG, EINVAL, EIO, ENOSPC, EPERM, EPIPE],
    ];
    costs_its_client("read", 0, read)?;
    // The first write is the line about the new child process.
    costs_its_client("write", 1, write)
}

#[test]
fn an_interrupted_call_a_line_not_written_and_a_close_that_fails_cost_no_client() -> Result<()> {
    costs_nobody("read", 0, &[EINTR], &OCCURRENCES)?;
    costs_nobody("write", 1, &[EINTR], &OCCURRENCES)?;
    let write = [EAGAIN, EBADF, EDQUOT, EFBIG, EINTR, EIO, ENOSPC, EPIPE];
    let close = [EBADF, EDQUOT, EINTR, EIO, ENOSPC];
    costs_nobody("/^p?poll$", 0, &[EFAULT, EINTR, EINVAL, ENOMEM], &[1])?;
    costs_nobody("write", 0, &write, &[1])?;
    costs_nobody("close", 0, &close, &OCCURRENCES)
}

#[test]
fn a_signal_that_does_not_terminate_costs_no_client_whatever_call_it_interrupts() -> Result<()> {
    for name in ["SIGPIPE", "SIGCHLD", "SIGCONT", "SIGWINCH"] {
        try_each(&[0], &OCCURRENCES, |build, _, occurrence| {
            let calls = "accept,clone,close,/^p?poll$,read,write";
            let injection = format!("inject={calls}:signal={name}:when={occurrence}");
            all_are_served(build, &injection, &format!("--- {name} "))
        })?;
    }
    Ok(())
}

#[test]
fn a_short_write_is_continued_where_it_stopped() -> Result<()> {
    try_each(&[0], &OCCURRENCES, |build, _, occurrence| {
        // strace returns 3 without making the call. The first write is the line about the new child process.
        let injection = format!("-e inject=write:retval=3:when={}", 1 + occurrence);
        let server = build.serve_on(fresh_address(), true)?.server()?;
        let strace = Strace::attach(server.pid, &injection)?;
        let mut client = Client::connect(server.address)?;
        for _ in 1..occurrence {
            client.echo("hello")?;
        }
        client.stream.write_all(b"hello").map_err(text)?;
        same(client.half_close()?, b"lo".to_vec())?;
        same(strace.detach()?.matches("(INJECTED)").count(), 1)
    })
}
