//! Servers that are killed and restarted under load: connected clients are still served, and new ones are
//! refused only during the downtime.

use crate::support::*;
use libc::SIGKILL;
use std::mem;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const RESTARTS: usize = 10;
const CLIENTS: usize = 1000;

fn restarted_under_load(build: &Build) -> Result<()> {
    let address = fresh_address();
    let mut server = build.serve_on(address, true)?.server()?;
    let done = AtomicBool::new(false);
    let mut killed_servers = Vec::new();
    let mut downtimes = Vec::new();
    let mut clients: Vec<Client> = Vec::new();

    let (attempts, refused) = thread::scope(|scope| -> Result<_> {
        // Connects one client after the other, until the restarts are done.
        let new_clients = scope.spawn(|| {
            let (mut attempts, mut refused) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                if let Err(reason) = Client::served(address) {
                    refused.push((start..=Instant::now(), reason));
                }
                attempts += 1;
            }
            (attempts, refused)
        });
        let restarts = (0..RESTARTS).try_for_each(|_| {
            for _ in 0..CLIENTS / RESTARTS {
                clients.push(Client::served(address)?);
            }
            let killed = Instant::now();
            server.terminate(SIGKILL)?;
            // A new child process may not have closed the listening socket yet. Then the restart fails.
            let restarted = wait_for("restart", || match build.serve_on(address, true) {
                Ok(Start::Exited { .. }) => None,
                start => Some(start.and_then(Start::server)),
            })??;
            downtimes.push(killed..=Instant::now());
            // Kept, since dropping a server kills its child processes.
            killed_servers.push(mem::replace(&mut server, restarted));
            let mut clients = clients.iter_mut();
            clients.try_for_each(|client| client.echo("still there?"))
        });
        done.store(true, Ordering::Relaxed);
        let counts = new_clients.join().unwrap();
        restarts.map(|()| counts)
    })?;

    let name = &build.name;
    let lengths = downtimes.iter().map(|time| *time.end() - *time.start());
    let longest = lengths.max().unwrap_or_default();
    println!(
        "{name}: {CLIENTS} clients served through {RESTARTS} restarts, at most {longest:.1?} of downtime each;\n    \
         {} of {attempts} other connection attempts were refused, all during the downtime",
        refused.len()
    );
    for (attempt, reason) in refused {
        let overlaps = |time: &RangeInclusive<Instant>| {
            attempt.start() <= time.end() && time.start() <= attempt.end()
        };
        let during = downtimes.iter().any(overlaps);
        assert!(during, "{name}: refused outside the downtimes: {reason}");
    }
    Ok(())
}

#[test]
fn a_thousand_clients_are_served_through_ten_restarts() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(restarted_under_load)
}
