//! Ten thousand connections of all kinds, a thousand at a time.

use super::{Resources, memory, numbered, wait_until_released};
use crate::support::*;
use std::io::{self, Write};
use std::net::SocketAddrV4;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

const WORKERS: usize = 8;
const AT_ONCE: usize = 1000;
const ROUNDS: usize = 10;

/// What client `number` of a worker does once all clients of the round are connected.
fn converse(number: usize, mut client: Client) -> Result<()> {
    let sent = numbered(number % 5000);
    match number % 6 {
        0 => drop(client),
        1 => client.echo("hello")?,
        2 => {
            let _ = client.stream.write_all(&sent);
            client.reset()?;
        }
        3 => {
            client.stream.write_all(&sent).map_err(text)?;
            let received = client.half_close()?;
            if received != sent {
                let (received, sent) = (received.len(), sent.len());
                return Err(format!("{received} bytes of {sent} come back"));
            }
        }
        4 => (0..5).try_for_each(|_| client.echo("a"))?,
        _ => drop(client.stream.write_all(&sent)), // and never reads
    }
    Ok(())
}

/// Connects one worker's clients, waits for the other workers, and lets the clients converse.
fn round(server: SocketAddrV4, all_connected: &Barrier) -> Result<()> {
    let clients = (0..AT_ONCE / WORKERS).map(|_| Client::connect(server));
    let clients: io::Result<Vec<Client>> = clients.collect();
    all_connected.wait();
    let mut clients = clients.map_err(text)?.into_iter().enumerate();
    clients.try_for_each(|(number, client)| converse(number, client))
}

fn flood(build: &Build) -> Result<()> {
    let server = build.serve_on(fresh_address(), true)?.server()?;
    let before = Resources::of(server.pid);
    for _ in 0..10 {
        Client::of(&server)?.echo("warm up")?;
    }
    wait_until_released(&server, &before)?;
    let warm = memory(server.pid);
    let (address, all_connected) = (server.address, Barrier::new(WORKERS));
    let start = Instant::now();
    thread::scope(|scope| {
        // A worker continues after a failure, since the barrier needs all workers.
        let work = || {
            let rounds = (0..ROUNDS).map(|_| round(address, &all_connected));
            rounds.fold(Ok(()), Result::and)
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        let mut results = workers.into_iter().map(|worker| worker.join().unwrap());
        results.try_for_each(|result| result)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    wait_until_released(&server, &before)?;
    let after = memory(server.pid);
    println!(
        "{}: {} connections, {AT_ONCE} at once, {seconds:.1} s; memory {warm} KiB, then {after} KiB",
        build.name,
        AT_ONCE * ROUNDS
    );
    assert!(after <= warm, "{}", build.name);
    Client::served(address).map(drop)
}

#[test]
fn ten_thousand_clients_of_all_kinds_leave_the_server_as_it_was() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(flood)
}
