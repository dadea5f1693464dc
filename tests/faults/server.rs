//! Calls of the server that fail: the errors that stop it, and those that cost one client or none.

use super::*;
use libc::*;

/// The calls before the server listens: strace's name, the name in the error line, and the man page's errors.
#[rustfmt::skip]
const BEFORE_IT_LISTENS: [(&str, &str, &[i32]); 7] = [
    ("rt_sigaction:when=1", "sigaction SIGPIPE", &[EINVAL]),
    ("rt_sigaction:when=2", "sigaction SIGCHLD", &[EINVAL]),
    ("socket", "socket", &[EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT]),
    ("setsockopt", "setsockopt SO_REUSEADDR", &[EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK]),
    ("bind", "bind", &[EACCES, EADDRINUSE, EADDRNOTAVAIL, EBADF, EFAULT, EINVAL, ELOOP, ENAMETOOLONG,
                       ENOENT, ENOMEM, ENOTDIR, ENOTSOCK, EROFS]),
    ("listen", "listen", &[EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP]),
    ("getsockopt", "getsockopt SO_REUSEADDR", &[EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK]),
];

#[test]
fn a_call_that_fails_before_the_server_listens_ends_it_with_its_name() -> Result<()> {
    for (call, named, errors) in BEFORE_IT_LISTENS {
        try_each(errors, &[1], |build, error, _| {
            let address = fresh_address();
            let injection = format!("{call}:error={}", error.0);
            let Start::Exited { status, stderr, .. } = faulty(build, address, &injection)? else {
                return Err("it runs".into());
            };
            let mut line = format!("reuseaddr: {named} {address}: {error}");
            if named.starts_with("sigaction ") {
                line = format!("reuseaddr: {named}: {error}");
            }
            // A hint follows EADDRINUSE.
            let printed = stderr.split("\nreuseaddr: to see why, run: ").next();
            same((status.code(), printed), (Some(1), Some(&*line)))?;
            traced(address, "(INJECTED)", 1)
        })?;
    }
    Ok(())
}

/// If the calls `when` of accept(2), strace's, from the first, second or third on, fail with each of `errors`,
/// all clients are served, and the error is reported `reports` times. The trace contains `text` in `count` places.
fn is_tried_again(
    errors: &[i32],
    when: fn(usize) -> String,
    reports: usize,
    (text, count): (&str, usize),
) -> Result<()> {
    try_each(errors, &OCCURRENCES, |build, error, occurrence| {
        let server = failing(build, "accept", error, when(occurrence))?;
        serve_clients(&server, occurrence + 1)?;
        let line = format!("reuseaddr: accept {}: {error}", server.address);
        same(server.finish(), vec![line; reports])?;
        traced(server.address, text, count)
    })
}

#[test]
fn an_accept_that_fails_for_one_client_is_passed_over_in_silence() -> Result<()> {
    #[rustfmt::skip]
    let errors = [
        EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, EOPNOTSUPP, EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENOSR,
        ETIMEDOUT, ENETDOWN, ENETUNREACH, ENONET, EHOSTDOWN, EHOSTUNREACH,
    ];
    is_tried_again(&errors, |first| first.to_string(), 0, ("(INJECTED)", 1))
}

#[test]
fn an_accept_short_of_resources_is_reported_once_and_tried_again_after_a_pause() -> Result<()> {
    let errors = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM];
    let three = |first: usize| format!("{first}..{}", first + 2);
    is_tried_again(&errors, three, 1, ("tv_nsec=100000000}", 3))
}

#[test]
fn a_shortage_is_reported_again_after_a_client_has_been_served() -> Result<()> {
    let two = |first: usize| format!("{first}..{}+2", first + 2);
    is_tried_again(&[EMFILE], two, 2, ("(INJECTED)", 2))
}

#[test]
fn an_accept_that_can_never_succeed_stops_the_server_and_not_its_children() -> Result<()> {
    let errors = [EAGAIN, EBADF, EFAULT, EINVAL, ENOTSOCK];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let mut server = failing(build, "accept", error, occurrence)?;
        let clients = (1..occurrence).map(|_| Client::served(server.address));
        let mut clients: Vec<Client> = clients.collect::<Result<_>>()?;
        same(server.wait()?.code(), Some(1))?;
        let line = format!("reuseaddr: accept {}: {error}", server.address);
        same(server.error_line()?, line)?;
        let mut clients = clients.iter_mut();
        clients.try_for_each(|client| client.echo("still there?"))?;
        traced(server.address, "(INJECTED)", 1)
    })
}

#[test]
fn a_fork_that_fails_costs_one_client_and_no_more() -> Result<()> {
    let errors = [EAGAIN, ENOMEM, ENOSYS];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let mut server = failing(build, "clone", error, occurrence)?;
        serve_clients(&server, occurrence - 1)?;
        let mut lost = Client::connect(server.address)?;
        same(lost.receive_all()?, vec![])?;
        let line = format!("reuseaddr: fork {}: {error}", lost.address);
        same(server.error_line()?, line)?;
        serve_clients(&server, 1)?;
        same(server.finish(), vec![])?;
        traced(server.address, "(INJECTED)", 1)
    })
}

#[test]
fn an_error_that_nobody_reads_does_not_stop_the_server() -> Result<()> {
    let (_reader, pipe, _) = full_pipe();
    for build in builds() {
        let address = fresh_address();
        let mut command = faulty_command(build, address, "clone:error=EAGAIN:when=2");
        command.stderr(pipe.try_clone().map_err(text)?);
        let _server = Program::start(command)?;
        wait_for("server", || Client::served(address).ok())?;
        let mut lost = Client::connect(address)?;
        same(lost.receive_all()?, vec![])?;
        Client::served(address)?;
        traced(address, "(INJECTED)", 1)?;
    }
    Ok(())
}

#[test]
fn out_of_descriptors_the_server_does_not_spin_and_recovers_by_itself() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let pid = server.pid;
        limit_descriptors(pid, 4); // 0, 1, 2 and the listening socket
        let mut client = Client::connect(server.address)?;
        let line = format!("reuseaddr: accept {}: Too many open files", server.address);
        same(server.error_line()?, line)?;

        // Each pause of 0.1 s is a voluntary switch to another process.
        let pauses = || process_status(pid, "voluntary_ctxt_switches");
        let (start, before) = (Instant::now(), pauses().unwrap_or(0));
        wait_until("ten pauses", || pauses() >= Some(before + 10))?;
        assert!(
            start.elapsed() > Duration::from_millis(900),
            "{}",
            build.name
        );

        limit_descriptors(pid, 4096);
        client.echo("hello")?;
        same(server.finish(), vec![])?;
    }
    Ok(())
}

#[test]
fn a_shortage_with_signals_in_between_is_reported_once() -> Result<()> {
    for build in builds() {
        // The first accept(2) has its descriptor already. The second is interrupted, the third fails, and so on.
        let server = faulty(build, fresh_address(), "accept:error=EINTR:when=2+3")?.server()?;
        wait_for_call(server.pid, SYS_accept)?;
        limit_descriptors(server.pid, 4);
        let mut client = Client::connect(server.address)?;
        wait_for("shortage between two signals", || {
            let trace = fs::read_to_string(trace_file(server.address)).ok()?;
            trace.split("(INJECTED)").nth(2)?.find("EMFILE")
        })?;
        limit_descriptors(server.pid, 4096);
        client.echo("hello")?;
        take_file(&trace_file(server.address))?;
        let line = format!("reuseaddr: accept {}: Too many open files", server.address);
        same(server.finish(), vec![line])?;
    }
    Ok(())
}
