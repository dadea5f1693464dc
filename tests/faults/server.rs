//! The calls of the server itself: what keeps it from starting, what costs one client, what nobody.

use super::{OCCURRENCES, count_in_trace, faulty, same, try_each};
use crate::support::{Client, Result, Start, fresh_address};
use libc::*;

/// `call` fails before the server listens: it ends with status 1, and names the call and the address.
fn ends_the_start(call: &str, named: &str, errors: &[i32]) -> Result<()> {
    try_each(errors, &[1], |build, error, _| {
        let address = fresh_address();
        let injection = format!("{call}:error={}", error.0);
        let Start::Ended { status, stderr } = faulty(build, address, &injection)? else {
            return Err("it runs".into());
        };
        let hint = match (named, error.0) {
            ("bind", EADDRINUSE) => {
                format!("\nreuseaddr: who is in the way: reuseaddr explain {address}")
            }
            _ => String::new(),
        };
        let subject = if named == "signal" {
            "SIGPIPE".into()
        } else {
            address.to_string()
        };
        same(status.code(), Some(1))?;
        same(
            stderr,
            format!("reuseaddr: {named} {subject}: {error}{hint}"),
        )?;
        same(count_in_trace(address, "(INJECTED)"), 1)
    })
}

#[test]
fn a_call_that_fails_before_the_server_listens_ends_it_with_its_name() -> Result<()> {
    let option = [EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK];
    let socket = [
        EACCES,
        EAFNOSUPPORT,
        EINVAL,
        EMFILE,
        ENFILE,
        ENOBUFS,
        ENOMEM,
        EPROTONOSUPPORT,
    ];
    let bind = [
        EACCES,
        EADDRINUSE,
        EADDRNOTAVAIL,
        EBADF,
        EFAULT,
        EINVAL,
        ELOOP,
        ENAMETOOLONG,
        ENOENT,
        ENOMEM,
        ENOTDIR,
        ENOTSOCK,
        EROFS,
    ];
    ends_the_start("rt_sigaction:when=1", "signal", &[EINVAL])?;
    ends_the_start("socket", "socket", &socket)?;
    ends_the_start("setsockopt", "setsockopt SO_REUSEADDR", &option)?;
    ends_the_start("bind", "bind", &bind)?;
    ends_the_start(
        "listen",
        "listen",
        &[EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP],
    )?;
    ends_the_start("rt_sigaction:when=2", "signal SIGCHLD", &[EINVAL])?;
    ends_the_start(
        "getsockname",
        "getsockname",
        &[EBADF, EFAULT, EINVAL, ENOBUFS, ENOTSOCK],
    )?;
    ends_the_start("getsockopt", "getsockopt SO_REUSEADDR", &option)
}

#[test]
fn an_accept_that_fails_for_one_client_is_passed_over_in_silence() -> Result<()> {
    let errors = [
        EINTR,
        ECONNABORTED,
        EPROTO,
        ENOPROTOOPT,
        EOPNOTSUPP,
        EPROTONOSUPPORT,
        ESOCKTNOSUPPORT,
        ENOSR,
        ETIMEDOUT,
        ENETDOWN,
        ENETUNREACH,
        ENONET,
        EHOSTDOWN,
        EHOSTUNREACH,
    ];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let injection = format!("accept:error={}:when={occurrence}", error.0);
        let server = faulty(build, fresh_address(), &injection)?.server()?;
        for _ in 0..occurrence {
            Client::of(&server)?.echo("hello")?;
        }
        let address = server.address;
        same(server.finish(), vec![])?;
        same(count_in_trace(address, "(INJECTED)"), 1)
    })
}

#[test]
fn an_accept_that_finds_no_room_is_complained_of_once_and_tried_again_after_a_pause() -> Result<()>
{
    let errors = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let last = occurrence + 2;
        let injection = format!("accept:error={}:when={occurrence}..{last}", error.0);
        let server = faulty(build, fresh_address(), &injection)?.server()?;
        for _ in 0..occurrence {
            Client::of(&server)?.echo("hello")?;
        }
        let address = server.address;
        same(
            server.finish(),
            vec![format!("reuseaddr: accept {address}: {error}")],
        )?;
        same(count_in_trace(address, "tv_nsec=100000000}"), 3)
    })
}

#[test]
fn an_accept_that_cannot_ever_succeed_ends_the_server() -> Result<()> {
    let errors = [EAGAIN, EBADF, EFAULT, EINVAL, ENOTSOCK];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let injection = format!("accept:error={}:when={occurrence}", error.0);
        let mut server = faulty(build, fresh_address(), &injection)?.server()?;
        let mut clients = Vec::new();
        for _ in 1..occurrence {
            let mut client = Client::of(&server)?;
            client.echo("hello")?;
            clients.push(client);
        }
        same(server.wait()?.code(), Some(1))?;
        let address = server.address;
        same(
            server.complaint()?,
            format!("reuseaddr: accept {address}: {error}"),
        )?;
        // Whom a child serves does not notice.
        for client in &mut clients {
            client.echo("still there?")?;
        }
        same(count_in_trace(address, "(INJECTED)"), 1)
    })
}

#[test]
fn a_fork_that_fails_costs_one_client_and_no_more() -> Result<()> {
    let errors = [EAGAIN, ENOMEM, ENOSYS];
    try_each(&errors, &OCCURRENCES, |build, error, occurrence| {
        let injection = format!("clone:error={}:when={occurrence}", error.0);
        let mut server = faulty(build, fresh_address(), &injection)?.server()?;
        for _ in 1..occurrence {
            Client::of(&server)?.echo("hello")?;
        }
        let mut unlucky = Client::of(&server)?;
        same(unlucky.receive_all()?, vec![])?;
        same(
            server.complaint()?,
            format!("reuseaddr: fork {}: {error}", unlucky.address),
        )?;
        Client::of(&server)?.echo("hello")?;
        let address = server.address;
        same(server.finish(), vec![])?;
        same(count_in_trace(address, "(INJECTED)"), 1)
    })
}
