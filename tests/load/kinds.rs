//! Each kind of client alone: what it gets, and that the next one is served.

use super::{household, memory, numbered, settle};
use crate::support::{
    Build, Client, Result, Server, builds, fresh_address, is_in_call, send_signal, wait_for,
    wait_for_call, wait_for_stop,
};
use libc::{SIGCONT, SIGSTOP, SYS_write};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

/// `rude` happens to a server of each build, which then has no child and no descriptor more than before,
/// and serves the next client.
fn survives(rude: impl Fn(&mut Server) -> Result<()>) -> Result<()> {
    builds().iter().try_for_each(|build: &Build| {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let before = household(server.pid);
        rude(&mut server)
            .and_then(|()| settle(&server, &before))
            .map_err(|reason| format!("{}: {reason}", build.name))?;
        Client::of(&server)?.echo("hello")
    })
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

#[test]
fn a_client_that_says_nothing_keeps_nobody_waiting() -> Result<()> {
    survives(|server| {
        let silent = Client::of(server)?;
        server.child(&silent)?;
        Client::of(server)?.echo("hello")?;
        drop(silent);
        Ok(())
    })
}

#[test]
fn a_client_that_resets_in_the_middle_ends_its_child() -> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        client.echo("hello")?;
        let address = client.address;
        client.reset()?;
        let complaint = server.complaint()?;
        assert_eq!(
            complaint,
            format!("reuseaddr: read {address}: Connection reset by peer")
        );
        Ok(())
    })
}

#[test]
fn a_client_that_half_closes_gets_back_all_it_sent() -> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        let sent = numbered(100_000);
        client.stream.write_all(&sent).map_err(text)?;
        assert!(client.finish()? == sent);
        Ok(())
    })
}

#[test]
fn a_client_that_sends_byte_by_byte_gets_back_byte_by_byte() -> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        client.stream.set_nodelay(true).map_err(text)?;
        (0..500).try_for_each(|number| client.echo(["a", "b", "c"][number % 3]))
    })
}

#[test]
fn a_client_that_sends_64_mib_and_reads_late_gets_it_all_and_the_child_keeps_none_of_it()
-> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        client.echo("hello")?;
        let child = server.child(&client)?;
        let before = memory(child);
        let sent = numbered(64 << 20);
        thread::scope(|scope| {
            let mut stream = client.stream.try_clone().map_err(text)?;
            scope.spawn(|| {
                let _ = client.stream.write_all(&sent);
                let _ = client.stream.shutdown(Shutdown::Write);
            });
            // Late: once the child cannot go on, since nobody reads.
            wait_for_call(child, SYS_write)?;
            let grown = memory(child).saturating_sub(before);
            println!("a child in the middle of 64 MiB has grown by {grown} KiB");
            assert!(grown <= 128, "{grown} KiB");
            let mut received = Vec::with_capacity(sent.len());
            stream.read_to_end(&mut received).map_err(text)?;
            assert!(received == sent);
            Ok(())
        })
    })
}

#[test]
fn a_client_that_never_reads_blocks_its_own_child_alone() -> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        client.stream.set_nonblocking(true).map_err(text)?;
        let child = server.child(&client)?;
        wait_for("child blocked in write", || {
            while client.stream.write(&[0; 1 << 16]).is_ok() {}
            is_in_call(child, SYS_write).then_some(())
        })?;
        Client::of(server)?.echo("hello")?;
        client.reset()?;
        server.complaint().map(|_| ())
    })
}

#[test]
fn clients_that_vanish_before_accept_leave_nothing() -> Result<()> {
    survives(|server| {
        send_signal(server.pid, SIGSTOP)?;
        wait_for_stop(server.pid)?;
        for number in 0..100 {
            let client = Client::connect(server.address).map_err(text)?;
            match number % 2 {
                0 => client.reset()?,
                _ => drop(client),
            }
        }
        send_signal(server.pid, SIGCONT)?;
        Client::of(server)?.echo("hello")
    })
}
