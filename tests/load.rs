//! Clients of every kind, one by one and a thousand at once: all bytes come back, and the server keeps nothing of
//! them. If it is killed and restarted, clients are still served; new ones are refused only during the downtime.

use crate::support::*;
use libc::{SIGKILL, SYS_write};

/// Waits until the server has as many descriptors and child processes as `before`.
fn wait_until_released(server: &Server, before: [usize; 2]) -> Result<()> {
    wait_until("release of resources", || resources(server.pid) == before)
}

/// The numbers of descriptors and of child processes of process `pid`. A zombie counts as a child process.
fn resources(pid: i32) -> [usize; 2] {
    [descriptors(pid), children(pid).count()]
}

/// Anonymous memory of process `pid`, in KiB.
fn memory(pid: i32) -> u64 {
    process_status(pid, "RssAnon").unwrap()
}

/// At least `count` bytes, in a sequence that shows any loss, repetition or swap.
fn numbered(count: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..251).collect();
    all.repeat(count / all.len() + 1)
}

/// Runs `client` against each build, which then has no more resources than before, and serves the next client.
fn survives(client: impl Fn(&mut Server) -> Result<()>) -> Result<()> {
    builds().iter().try_for_each(|build| {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let before = resources(server.pid);
        client(&mut server)
            .and_then(|()| wait_until_released(&server, before))
            .map_err(|reason| format!("{}: {reason}", build.name))?;
        Client::served(server.address).map(drop)
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
            (received == sent)
                .then_some(())
                .ok_or("other bytes come back".into())
        })
    })
}

#[test]
fn a_client_that_never_reads_and_resets_stops_only_its_own_child() -> Result<()> {
    survives(|server| {
        let mut client = Client::connect(server.address)?;
        client.stream.set_nonblocking(true).map_err(text)?;
        let child = server.child(&client)?;
        wait_until("child blocked in write", || {
            while client.stream.write(&[0; 1 << 16]).is_ok() {}
            is_in_call(child, SYS_write)
        })?;
        Client::served(server.address)?;
        let line = format!(
            "reuseaddr: write {}: Connection reset by peer",
            client.address
        );
        client.reset()?;
        assert_eq!(server.error_line()?, line);
        Ok(())
    })
}

/// Clients that are connected at the same time, and repetitions.
const AT_ONCE: usize = 1000;
const ROUNDS: usize = 10;

/// What client `number` does once all clients of the round are connected. Most of them are not accepted yet.
fn converse(number: usize, mut client: Client) -> Result<()> {
    let sent = numbered(number % 5000);
    match number % 6 {
        0 => drop(client),
        1 => client.echo("hello")?,
        2 => {
            let _ = client.stream.write_all(&sent);
            client.reset()?;
        }
        3 if client.exchange(&sent)? == sent => (),
        3 => return Err("other bytes come back".into()),
        4 => (0..5).try_for_each(|_| client.echo("a"))?,
        _ => drop(client.stream.write_all(&sent)), // and never reads
    }
    Ok(())
}

fn flood(build: &Build) -> Result<()> {
    let server = build.serve_on(fresh_address(), true)?.server()?;
    let before = resources(server.pid);
    for _ in 0..10 {
        Client::connect(server.address)?.echo("warm up")?;
    }
    wait_until_released(&server, before)?;
    let warm = memory(server.pid);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let clients =
            (0..AT_ONCE).map(|_| Client::connect(server.address).map(Some).map(Mutex::new));
        let clients: Vec<_> = clients.collect::<Result<_>>()?;
        let work = |number: usize| {
            let client = clients[number].lock().unwrap().take();
            converse(number, client.expect("no other job takes it"))
        };
        let mut results = Vec::new();
        in_order(AT_ONCE, work, |_, result| results.push(result));
        results.into_iter().collect::<Result<()>>()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    wait_until_released(&server, before)?;
    let after = memory(server.pid);
    let (name, all) = (&build.name, AT_ONCE * ROUNDS);
    let memory = format!("memory {warm} KiB, then {after} KiB");
    println!("{name}: {all} connections, {AT_ONCE} at once, {seconds:.1} s; {memory}");
    assert!(after <= warm, "{name}");
    Client::served(server.address).map(drop)
}

#[test]
fn ten_thousand_clients_of_all_kinds_leave_the_server_as_it_was() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(flood)
}

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
                    refused.push(((start, Instant::now()), reason));
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
            downtimes.push((killed, Instant::now()));
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
    let lengths = downtimes.iter().map(|(start, end)| *end - *start);
    let longest = lengths.max().unwrap_or_default();
    let restarts = format!("{RESTARTS} restarts, at most {longest:.1?} of downtime each");
    println!("{name}: {CLIENTS} clients served through {restarts};");
    let refusals = format!("{} of {attempts} other connection attempts", refused.len());
    println!("    {refusals} were refused, all during the downtime");
    for (attempt, reason) in refused {
        let mut downtimes = downtimes.iter();
        let during = downtimes.any(|(start, end)| attempt.0 <= *end && *start <= attempt.1);
        assert!(during, "{name}: refused outside the downtimes: {reason}");
    }
    Ok(())
}

#[test]
fn a_thousand_clients_are_served_through_ten_restarts() -> Result<()> {
    raise_limit();
    builds().iter().try_for_each(restarted_under_load)
}
