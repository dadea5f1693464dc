//! One session of a server under strace, with clients of several kinds and restarts.

use super::*;

/// Runs the session, and returns the system calls of all its processes, one a line.
pub fn session(build: &Build) -> Result<Vec<String>> {
    let address = fresh_address();
    let mut traces = [(); 3].map(|()| Trace::new());
    let start = |trace: &Trace, option| {
        let mut command = trace.strace("");
        command.arg(&build.path).args(serve_args(address, option));
        launch(command)
    };

    // Three clients: OLD stays connected, HALF half-closes, RUDE resets.
    let mut server = start(&traces[0], true)?.server()?;
    let mut old = Client::served(address)?;
    let mut half = Client::connect(server.address)?;
    half.echo("a half-")?;
    half.half_close()?;
    let mut rude = Client::connect(server.address)?;
    rude.echo("rude")?;
    let clients = [("OLD", &old), ("HALF", &half), ("RUDE", &rude)];
    for (name, client) in clients {
        traces[0].name(server.child(client)?, name);
        traces[0].name(client.address.port(), &format!("{name}-PORT"));
    }
    rude.reset()?;
    server.error_line()?;
    wait_for_call(server.pid, libc::SYS_accept)?;

    // The server is killed in accept. A restart fails without the option, and succeeds with it.
    server.terminate(libc::SIGKILL)?;
    let Start::Exited { pid: refused, .. } = start(&traces[1], false)? else {
        return Err("a restart without the option succeeds".into());
    };
    let mut granted = start(&traces[2], true)?.server()?;
    old.echo("still there?")?;
    wait_for_call(granted.pid, libc::SYS_accept)?;
    granted.terminate(libc::SIGKILL)?;
    old.half_close()?;

    let mut all = Vec::new();
    let servers = [
        ("SERVER", server.pid),
        ("REFUSED", refused),
        ("GRANTED", granted.pid),
    ];
    for ((name, pid), mut trace) in servers.into_iter().zip(traces) {
        trace.name(pid, name);
        trace.name(address.ip(), "ADDRESS");
        // The hint after EADDRINUSE names the program as it was called.
        trace.name(build.path.display(), "PROGRAM");
        let names = [name, "OLD", "HALF", "RUDE"].into_iter();
        for (name, calls) in names.zip(trace.calls(pid)?) {
            // Each language starts a server with other calls; a child process makes no socket.
            let first = calls.iter().position(|call| call.starts_with("socket("));
            let calls = calls.iter().skip(first.unwrap_or(0));
            all.extend(calls.map(|call| format!("{name}: {call}")));
        }
    }
    Ok(all)
}
