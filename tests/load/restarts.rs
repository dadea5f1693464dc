//! Killed and restarted under load: nobody who is served notices, and who comes is refused in the gap
//! alone.

use crate::support::{Build, Client, Result, Start, builds, fresh_address, raise_limit, wait_for};
use libc::SIGKILL;
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

const RESTARTS: usize = 10;
const CLIENTS: usize = 1000;

/// From when to when.
type Span = (Instant, Instant);

/// Whether a client that came in `attempt` may be refused: the server was away at some time in it.
fn excused(attempt: Span, gaps: &[Span]) -> bool {
    gaps.iter()
        .any(|gap| attempt.0 <= gap.1 && gap.0 <= attempt.1)
}

fn restarted_under_load(build: &Build) -> Result<()> {
    let address = fresh_address();
    let mut server = build.serve_on(address, true)?.server()?;
    let (done, refused) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let mut ended = Vec::new();
    let mut gaps: Vec<Span> = Vec::new();
    let mut clients: Vec<Client> = Vec::new();

    let newcomers = thread::scope(|scope| -> Result<usize> {
        // One after the other comes, says hello, and goes.
        let newcomer = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                let result = Client::connect(address)
                    .map_err(|error| error.to_string())
                    .and_then(|mut client| client.echo("hello"));
                if let Err(reason) = result {
                    refused
                        .lock()
                        .unwrap()
                        .push(((start, Instant::now()), reason));
                }
                count += 1;
            }
            count
        });
        let restarts = (0..RESTARTS).try_for_each(|_| {
            for _ in 0..CLIENTS / RESTARTS {
                let mut client = Client::of(&server)?;
                client.echo("hello")?;
                clients.push(client);
            }
            let killed = Instant::now();
            server.end_by(SIGKILL)?;
            // A newcomer's child that has not come to close the listening socket yet listens on.
            let restarted = wait_for("restart", || match build.serve_on(address, true) {
                Ok(Start::Ended { .. }) => None,
                start => Some(start.and_then(Start::server)),
            })??;
            gaps.push((killed, Instant::now()));
            // The children of what is dropped would be killed.
            ended.push(mem::replace(&mut server, restarted));
            clients
                .iter_mut()
                .try_for_each(|client| client.echo("still there?"))
        });
        done.store(true, Ordering::Relaxed);
        let count = newcomer.join().unwrap();
        restarts.map(|()| count)
    })?;

    let refused = refused.into_inner().unwrap();
    let longest = gaps
        .iter()
        .map(|gap| gap.1 - gap.0)
        .max()
        .unwrap_or_default();
    println!(
        "{}: {CLIENTS} clients served through {RESTARTS} restarts, of {longest:.1?} at the most, in which \
         {} of\n    {newcomers} newcomers were refused",
        build.name,
        refused.len()
    );
    for (attempt, reason) in refused {
        assert!(
            excused(attempt, &gaps),
            "{}: refused outside the gaps: {reason}",
            build.name
        );
    }
    Ok(())
}

#[test]
fn a_thousand_clients_are_served_through_ten_restarts() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(restarted_under_load)
}
