//! One client of each kind: it gets back what it should, and the next client is served.

use super::{Resources, memory, numbered, wait_until_released};
use crate::support::*;
use libc::{SIGCONT, SIGSTOP, SYS_write};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

/// Runs `client` against a server of each build. Afterwards, the server has as many child processes and
/// descriptors as before, and serves the next client.
fn survives(client: impl Fn(&mut Server) -> Result<()>) -> Result<()> {
    builds().iter().try_for_each(|build| {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let before = Resources::of(server.pid);
        client(&mut server)
            .and_then(|()| wait_until_released(&server, &before))
            .map_err(|reason| format!("{}: {reason}", build.name))?;
        Client::served(server.address).map(drop)
    })
}

#[test]
fn a_client_that_resets_is_reported_and_stops_only_its_own_child() -> Result<()> {
    survives(|server| {
        let mut other = Client::served(server.address)?;
        let client = Client::served(server.address)?;
        let address = client.address;
        let line = format!("reuseaddr: read {address}: Connection reset by peer");
        client.reset()?;
        assert_eq!(server.error_line()?, line);
        other.echo("still there")
    })
}

#[test]
fn all_of_64_mib_that_a_client_reads_late_arrives_and_the_child_buffers_little() -> Result<()> {
    survives(|server| {
        let mut client = Client::served(server.address)?;
        let child = server.child(&client)?;
        let before = memory(child);
        let sent = numbered(64 << 20);
        thread::scope(|scope| {
            let mut stream = client.stream.try_clone().map_err(text)?;
            scope.spawn(|| {
                let _ = client.stream.write_all(&sent);
                let _ = client.stream.shutdown(Shutdown::Write);
            });
            // Reads only once the child blocks.
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
fn a_client_that_never_reads_blocks_only_its_own_child() -> Result<()> {
    survives(|server| {
        let mut client = Client::of(server)?;
        client.stream.set_nonblocking(true).map_err(text)?;
        let child = server.child(&client)?;
        wait_until("child blocked in write", || {
            while client.stream.write(&[0; 1 << 16]).is_ok() {}
            is_in_call(child, SYS_write)
        })?;
        Client::served(server.address)?;
        client.reset()?;
        server.error_line().map(|_| ())
    })
}

#[test]
fn clients_that_close_or_reset_before_accept_leave_nothing_behind() -> Result<()> {
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
        Client::served(server.address).map(drop)
    })
}
