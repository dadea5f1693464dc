//! `make bench`: speed, memory and downtime of both builds, of socat and of the machine itself, in
//! rounds. Each round starts all servers anew and alternates between them.
//!
//! Environment: `ROUNDS=N`; `CSV=FILE` gets all values.

mod cost;
mod interval;
mod load;
mod report;
mod results;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use cost::{bare_exec, calls, downtime, faults, private_of_group};
use load::load;
use report::{print_head, print_table, print_targets};
use results::{EIGHT, IDLE, Results};
use servers::{ALLOWED, BARE, FORK, NO_FORK, RUST, Running, Server, servers};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};
use support::{Client, Result, project, raise_limit, tool};

/// Duration of a slice of load.
const SLICE: Duration = Duration::from_millis(40);
/// Clients at once, and how often in a round every server serves them, for two slices each time.
const CLIENTS: [(usize, usize); 3] = [(1, 1), (EIGHT, 3), (64, 1)];

fn main() -> ExitCode {
    let result = measure();
    if let Err(reason) = &result {
        eprintln!("bench: {reason}");
    }
    u8::from(result.is_err()).into()
}

fn measure() -> Result<()> {
    let rounds = env::var("ROUNDS").unwrap_or_else(|_| "20".into());
    let rounds = rounds.parse().ok().filter(|rounds: &usize| *rounds > 0);
    let rounds = rounds.ok_or("ROUNDS must be 1 or more")?;
    raise_limit();
    let limit = build_limit()?;
    let all = servers(&limit);
    let mut results = Results::default();
    print_head(rounds);

    for round in 0..rounds {
        rates(&all, &limit, round, &mut results)?;
        for server in &all {
            results.add(("faults", server.name, 0), round, faults(server)?);
            results.add(("calls", server.name, 0), round, calls(server)?);
        }
    }
    println!("\n1. Conversations a second: connect, echo 64 bytes, end of file;");
    println!("   minor page faults and system calls of one conversation\n");
    let rates = [("1", "rate", 1), ("8", "rate", EIGHT), ("64", "rate", 64)];
    let costs = ["faults", "calls"].map(|what| (what, what, 0));
    let columns = [&rates[..], &costs].concat();
    let ratio = |name| [("rate", RUST, EIGHT), ("rate", name, EIGHT)];
    let heading = "Rust / server, 8 clients";
    print_table(&results, "clients", &columns, heading, ratio);

    for round in 0..rounds {
        for server in alternated(&all, round).filter(|server| server.name != NO_FORK) {
            beside_idle(server, round, &mut results)?;
        }
    }
    println!("\n2. Conversations a second, 8 clients at once beside idle clients\n");
    let column = |heading, count| (heading, "rate beside idle", count);
    let columns = [column("0", 0), column("1000", IDLE)];
    let ratio = |name| [IDLE, 0].map(|count| ("rate beside idle", name, count));
    print_table(&results, "idle", &columns, "1000 idle / none", ratio);
    println!("\n3. Private memory for each client, KiB, over all processes of a server\n");
    let ratio = |name| [("private", RUST, 0), ("private", name, 0)];
    let columns = [("KiB", "private", 0)];
    print_table(&results, "", &columns, "Rust / server", ratio);

    for round in 0..rounds {
        let bare = bare_exec(&limit)?;
        results.add(("downtime", BARE, 0), round, bare);
        results.add(("downtime", ALLOWED, 0), round, 2.0 * bare + 1.0);
        for server in alternated(&all, round) {
            results.add(("downtime", server.name, 0), round, downtime(server)?);
        }
    }
    println!("\n4. Downtime, ms: SIGKILL to the listener, restart, until a client is served\n");
    let columns = [("ms", "downtime", 0)];
    let ratio = |name| [("downtime", RUST, 0), ("downtime", name, 0)];
    print_table(&results, "", &columns, "Rust / server", ratio);
    print_targets(&results);
    let Some(file) = env::var_os("CSV") else {
        return Ok(());
    };
    let written = fs::write(&file, results.csv());
    written.map_err(|error| format!("CSV={file:?}: {error}"))
}

/// Adds the conversations a second of all servers, started anew, and the forks a second of fork + exit.
/// Slices alternate between them, in the order A B C C B A, each time beginning with another one.
fn rates(all: &[Server], limit: &Path, round: usize, results: &mut Results) -> Result<()> {
    let running: Result<Vec<Running>> = all.iter().map(Server::start).collect();
    let running = running?;
    for server in &running {
        load(server.address, EIGHT, SLICE)?; // warm up
    }
    for (clients, turns) in CLIENTS {
        let count = all.len() + usize::from(clients == EIGHT); // the last is fork + exit
        for turn in 0..turns {
            let mut order: Vec<usize> = (0..count).collect();
            order.rotate_left((round + turn) % count);
            let mut rates = vec![0.0; count];
            for &place in order.iter().chain(order.iter().rev()) {
                rates[place] += match running.get(place) {
                    Some(server) => load(server.address, clients, SLICE)?,
                    None => forks(limit)?,
                } / 2.0;
            }
            for (place, rate) in rates.into_iter().enumerate() {
                let name = all.get(place).map_or(FORK, |server| server.name);
                results.add(("rate", name, clients), round, rate);
            }
        }
    }
    Ok(())
}

/// Adds the conversations a second of a server beside idle clients, and without them (mean of before and
/// after), and the private memory for each idle client.
fn beside_idle(server: &Server, round: usize, results: &mut Results) -> Result<()> {
    let running = server.start()?;
    let pid = running.process.id() as i32;
    let rate = |slices| load(running.address, EIGHT, slices * SLICE);
    rate(1)?; // warm up
    let before = rate(2)?;
    // Only without any child process, the pages of the program itself are private.
    let mut idle = vec![Client::served(running.address)?];
    let kib_of_one = private_of_group(pid);
    while idle.len() < IDLE {
        idle.push(Client::served(running.address)?);
    }
    let kib = (private_of_group(pid) - kib_of_one) / (IDLE - 1) as f64;
    let beside = rate(4)?;
    for client in &mut idle {
        client.half_close()?;
    }
    let none = (before + rate(2)?) / 2.0;
    results.add(("private", server.name, 0), round, kib);
    results.add(("rate beside idle", server.name, 0), round, none);
    results.add(("rate beside idle", server.name, IDLE), round, beside);
    Ok(())
}

/// All servers, each round beginning with another one.
fn alternated(all: &[Server], round: usize) -> impl Iterator<Item = &Server> {
    let (last, first) = all.split_at(round % all.len());
    first.iter().chain(last)
}

/// Compiles limit.c.
fn build_limit() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limit");
    let mut compiler = Command::new(tool("cc", "gcc libc6-dev"));
    compiler.args("-std=c11 -D_GNU_SOURCE -O2 -static -o".split(' '));
    compiler.arg(&path).arg(project("tests/bench/limit.c"));
    match compiler.status() {
        Ok(status) if status.success() => Ok(path),
        _ => Err("cc cannot compile tests/bench/limit.c".into()),
    }
}

/// Processes a second that are forked, exit and are reaped.
fn forks(limit: &Path) -> Result<f64> {
    let arguments = ["fork", &SLICE.as_millis().to_string()];
    let output = Command::new(limit).args(arguments).output();
    let output = output.map_err(|error| format!("limit fork: {error}"))?;
    let rate = String::from_utf8_lossy(&output.stdout).trim().parse();
    rate.map_err(|error| format!("limit fork: {output:?}: {error}"))
}
