//! Calls that fail, made to fail by strace: whom it costs what.

mod support;

use std::net::SocketAddrV4;
use std::process::Command;
use support::{Build, Client, Result, Start, builds, fresh_address, launch, serve_words, tool};

/// Runs `serve` with `injection` (strace's `-e inject=`) in the server, not in its children.
fn faulty(build: &Build, address: SocketAddrV4, injection: &str) -> Result<Start> {
    let mut command = Command::new(tool("strace", "strace"));
    command
        .args([
            "-D",
            "-o",
            "/dev/null",
            "-e",
            &format!("inject={injection}"),
        ])
        .arg(&build.path)
        .args(serve_words(address, true));
    launch(command)
}

#[test]
fn a_call_that_fails_before_the_server_listens_ends_it_with_its_name() -> Result<()> {
    for (call, named) in [
        ("socket", "socket"),
        ("setsockopt", "setsockopt SO_REUSEADDR"),
        ("bind", "bind"),
        ("listen", "listen"),
        ("getsockname", "getsockname"),
        ("getsockopt", "getsockopt SO_REUSEADDR"),
    ] {
        for build in builds() {
            let address = fresh_address();
            let start = faulty(build, address, &format!("{call}:error=ENOBUFS"))?;
            let Start::Ended { status, stderr } = start else {
                panic!("{} runs without {call}", build.name);
            };
            assert_eq!(status.code(), Some(1));
            assert_eq!(
                stderr,
                format!("reuseaddr: {named} {address}: No buffer space available")
            );
        }
    }
    Ok(())
}

#[test]
fn an_accept_that_fails_for_one_client_is_passed_over_in_silence() -> Result<()> {
    for error in [
        "EINTR",
        "ECONNABORTED",
        "EPROTO",
        "ENETDOWN",
        "EHOSTUNREACH",
    ] {
        for build in builds() {
            let injection = format!("accept:error={error}:when=1");
            let server = faulty(build, fresh_address(), &injection)?.server()?;
            Client::of(&server)?.echo("hello")?;
            assert_eq!(server.finish(), [""; 0]);
        }
    }
    Ok(())
}

#[test]
fn an_accept_that_finds_no_room_is_complained_of_once_and_tried_again() -> Result<()> {
    for (error, reason) in [
        ("EMFILE", "Too many open files"),
        ("ENFILE", "Too many open files in system"),
        ("ENOBUFS", "No buffer space available"),
        ("ENOMEM", "Cannot allocate memory"),
    ] {
        for build in builds() {
            let injection = format!("accept:error={error}:when=1..3");
            let server = faulty(build, fresh_address(), &injection)?.server()?;
            Client::of(&server)?.echo("hello")?;
            let address = server.address;
            assert_eq!(
                server.finish(),
                [format!("reuseaddr: accept {address}: {reason}")]
            );
        }
    }
    Ok(())
}

#[test]
fn an_accept_that_cannot_ever_succeed_ends_the_server() -> Result<()> {
    for build in builds() {
        let mut server = faulty(build, fresh_address(), "accept:error=EINVAL")?.server()?;
        assert_eq!(server.wait()?.code(), Some(1));
        let address = server.address;
        assert_eq!(
            server.complaint()?,
            format!("reuseaddr: accept {address}: Invalid argument")
        );
    }
    Ok(())
}

#[test]
fn a_fork_that_fails_costs_one_client_and_no_more() -> Result<()> {
    for (error, reason) in [
        ("EAGAIN", "Resource temporarily unavailable"),
        ("ENOMEM", "Cannot allocate memory"),
    ] {
        for build in builds() {
            let injection = format!("clone:error={error}:when=1");
            let mut server = faulty(build, fresh_address(), &injection)?.server()?;
            let mut first = Client::of(&server)?;
            assert_eq!(first.receive_all()?, b"");
            assert_eq!(
                server.complaint()?,
                format!("reuseaddr: fork {}: {reason}", first.address)
            );
            Client::of(&server)?.echo("hello")?;
        }
    }
    Ok(())
}
