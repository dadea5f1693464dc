//! Calls that fail, made to fail by strace: whom it costs what.

mod support;

use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::process::Command;
use support::{Build, Client, Result, Start, builds, fresh_address, launch, serve_words, tool};

/// Runs `serve` with `injection` (strace's `-e inject=`) in the server, not in its children.
fn faulty(build: &Build, address: SocketAddrV4, injection: &str) -> Result<Start> {
    let mut command = Command::new(tool("strace", "strace"));
    command
        .args([
            "-D",
            "-e",
            "signal=none",
            "-e",
            &format!("inject={injection}"),
        ])
        .arg("-o")
        .arg(trace_file(address))
        .arg(&build.path)
        .args(serve_words(address, true));
    launch(command)
}

fn trace_file(address: SocketAddrV4) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.faults", address.ip()))
}

/// How many of the lines of strace's record contain `words`; the record is then removed.
fn count_in_trace(address: SocketAddrV4, words: &str) -> usize {
    let trace = fs::read_to_string(trace_file(address)).unwrap();
    fs::remove_file(trace_file(address)).unwrap();
    trace.lines().filter(|line| line.contains(words)).count()
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
            assert_eq!(count_in_trace(address, "(INJECTED)"), 1, "{call}");
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
        "ENOPROTOOPT",
        "EOPNOTSUPP",
        "EPROTONOSUPPORT",
        "ESOCKTNOSUPPORT",
        "ENOSR",
        "ETIMEDOUT",
        "ENETDOWN",
        "ENETUNREACH",
        "ENONET",
        "EHOSTDOWN",
        "EHOSTUNREACH",
    ] {
        for build in builds() {
            let injection = format!("accept:error={error}:when=1");
            let server = faulty(build, fresh_address(), &injection)?.server()?;
            Client::of(&server)?.echo("hello")?;
            let address = server.address;
            assert_eq!(server.finish(), [""; 0]);
            assert_eq!(count_in_trace(address, "(INJECTED)"), 1, "{error}");
        }
    }
    Ok(())
}

#[test]
fn an_accept_that_finds_no_room_is_complained_of_once_and_tried_again_after_a_pause() -> Result<()>
{
    for (error, reason) in [
        ("EMFILE", "Too many open files"),
        ("ENFILE", "Too many open files in system"),
        ("ENOBUFS", "No buffer space available"),
        ("ENOMEM", "Cannot allocate memory"),
        ("EPERM", "Operation not permitted"),
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
            assert_eq!(count_in_trace(address, "tv_nsec=100000000}"), 3, "{error}");
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
        assert_eq!(count_in_trace(address, "(INJECTED)"), 1);
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
            let address = server.address;
            assert_eq!(server.finish(), [""; 0]);
            assert_eq!(count_in_trace(address, "(INJECTED)"), 1, "{error}");
        }
    }
    Ok(())
}
