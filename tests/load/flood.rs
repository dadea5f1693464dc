//! Ten thousand connections of all kinds, a thousand of them open at once.

use super::{household, memory, numbered, settle};
use crate::support::{Build, Client, Result, builds, fresh_address, raise_limit};
use std::io::{self, Write};
use std::net::SocketAddrV4;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

const WORKERS: usize = 8;
const AT_ONCE: usize = 1000;
const ROUNDS: usize = 10;

/// What a client does, by its number, once all of its round are connected.
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
            client
                .stream
                .write_all(&sent)
                .map_err(|error| error.to_string())?;
            let back = client.finish()?;
            if back != sent {
                return Err(format!("of {} bytes {} come back", sent.len(), back.len()));
            }
        }
        4 => (0..5).try_for_each(|_| client.echo("a"))?,
        _ => {
            // Never reads.
            let _ = client.stream.write_all(&sent);
        }
    }
    Ok(())
}

/// Connects a worker's share of the clients, and when all are there, has them converse.
fn round(server: SocketAddrV4, all_are_there: &Barrier) -> Result<()> {
    let clients: io::Result<Vec<Client>> = (0..AT_ONCE / WORKERS)
        .map(|_| Client::connect(server))
        .collect();
    all_are_there.wait();
    let mut clients = clients
        .map_err(|error| error.to_string())?
        .into_iter()
        .enumerate();
    clients.try_for_each(|(number, client)| converse(number, client))
}

fn flood(build: &Build) -> Result<()> {
    let server = build.serve_on(fresh_address(), true)?.server()?;
    let before = household(server.pid);
    for _ in 0..10 {
        Client::of(&server)?.echo("warm up")?;
    }
    settle(&server, &before)?;
    let warm = memory(server.pid);
    let (address, all_are_there) = (server.address, Barrier::new(WORKERS));
    let start = Instant::now();
    thread::scope(|scope| {
        // Who fails waits for the others all the same, or they would wait for ever.
        let work = || {
            let rounds = (0..ROUNDS).map(|_| round(address, &all_are_there));
            rounds
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Result<()>>()
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    settle(&server, &before)?;
    let after = memory(server.pid);
    println!(
        "{}: {} connections, {AT_ONCE} at once, {seconds:.1} s; memory {warm} KiB, then {after} KiB",
        build.name,
        AT_ONCE * ROUNDS
    );
    assert!(after <= warm, "{}", build.name);
    Client::of(&server)?.echo("hello")
}

#[test]
fn ten_thousand_clients_of_all_kinds_leave_the_server_as_it_was() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(flood)
}
