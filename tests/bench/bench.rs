//! `make bench`: speed, memory and downtime of both builds, of socat and of the machine itself, in
//! rounds that alternate between them.
//!
//! Environment: `ROUNDS=N`; `CSV=FILE` gets all values.

mod downtime;
mod load;
mod memory;
mod results;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use downtime::{bare_exec, downtime};
use load::{idle_clients, load};
use memory::private_memory;
use results::Results;
use servers::{ALLOWED, BARE, C, FORK, NO_FORK, RUST, Server, servers};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs, thread};
use support::{Result, fresh_address, project, raise_limit, release, tool};

/// Duration of a load, and of the first load, whose result is not used.
const TIME: Duration = Duration::from_millis(250);
const WARM_UP: Duration = Duration::from_millis(50);
/// Clients at once; the ratios are for 8 of them.
const CLIENTS: [usize; 3] = [1, 8, 64];
const EIGHT: usize = 8;
/// Idle clients beside the eight.
const IDLE: [usize; 2] = [0, 1000];
/// Processes that `limit fork` forks.
const FORKS: usize = 3000;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    let rounds = env::var("ROUNDS").unwrap_or_else(|_| "7".into());
    let rounds = rounds.parse().ok().filter(|rounds: &usize| *rounds > 0);
    let rounds = rounds.ok_or("ROUNDS must be 1 or more")?;
    raise_limit();
    let limit = build_limit()?;
    let all = servers(&limit);
    let mut results = Results::default();
    print_head(rounds);

    for round in 0..rounds {
        results.add(("rate", FORK, EIGHT), round, forks(&limit)?);
        for server in alternated(&all, round) {
            let running = server.start(fresh_address())?;
            load(running.address, EIGHT, WARM_UP)?;
            for clients in CLIENTS {
                let rate = load(running.address, clients, TIME)?;
                results.add(("rate", server.name, clients), round, rate);
            }
        }
    }
    let columns = CLIENTS.map(|clients| (clients.to_string(), "rate", clients));
    println!("\n1. Conversations a second: connect, echo 64 bytes, end of file\n");
    let ratio = |name| [("rate", RUST, EIGHT), ("rate", name, EIGHT)];
    results.print_table("clients", &columns, "Rust / server, 8 clients", ratio);

    for round in 0..rounds {
        for server in alternated(&all, round).filter(|server| server.name != NO_FORK) {
            let kib = private_memory(server)?;
            results.add(("private", server.name, 0), round, kib);
            let running = server.start(fresh_address())?;
            load(running.address, EIGHT, WARM_UP)?;
            let mut idle = Vec::new();
            for count in IDLE {
                idle.extend(idle_clients(running.address, count - idle.len())?);
                let rate = load(running.address, EIGHT, TIME)?;
                results.add(("rate beside idle", server.name, count), round, rate);
            }
        }
    }
    println!("\n2. Conversations a second, 8 clients at once beside idle clients\n");
    let columns = IDLE.map(|count| (count.to_string(), "rate beside idle", count));
    let ratio = |name| [IDLE[1], IDLE[0]].map(|count| ("rate beside idle", name, count));
    results.print_table("idle", &columns, "1000 idle / none", ratio);
    println!("\n3. Private memory for each client, KiB, over all processes of a server\n");
    let ratio = |name| [("private", RUST, 0), ("private", name, 0)];
    let columns = [("KiB".into(), "private", 0)];
    results.print_table("", &columns, "Rust / server", ratio);

    for round in 0..rounds {
        let bare = milliseconds(bare_exec(&limit)?);
        results.add(("downtime", BARE, 0), round, bare);
        results.add(("downtime", ALLOWED, 0), round, 2.0 * bare + 1.0);
        for server in alternated(&all, round) {
            let time = milliseconds(downtime(server)?);
            results.add(("downtime", server.name, 0), round, time);
        }
    }
    println!("\n4. Downtime, ms: SIGKILL to the listener, restart, until a client is served\n");
    let columns = [("ms".into(), "downtime", 0)];
    let ratio = |name| [("downtime", RUST, 0), ("downtime", name, 0)];
    results.print_table("", &columns, "Rust / server", ratio);
    print_targets(&results);
    let Some(file) = env::var_os("CSV") else {
        return Ok(());
    };
    let written = fs::write(&file, results.csv());
    written.map_err(|error| format!("CSV={file:?}: {error}"))
}

fn print_head(rounds: usize) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.split("model name\t: ").nth(1);
    let model = model.map_or("unknown processor", |rest| rest.lines().next().unwrap());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("Linux {}, {cores} cores, {model}", release());
    println!("Medians of {rounds} rounds. Ratios are within a round: median (least to most).\n");
    println!("socat        forks; echoes through a pipe, by select");
    println!("{NO_FORK}      C, static: one client after the other");
    println!("{FORK}  C, static: fork, _exit and waitpid, without a client");
    println!("{BARE}    fork, exec, exit and wait of a static program that does nothing");
}

/// Prints the targets and whether they are reached.
fn print_targets(results: &Results) {
    println!("\n5. Targets\n");
    let rate = |name| ("rate", name, EIGHT);
    let idle = |count| ("rate beside idle", RUST, count);
    let downtime = |name| ("downtime", name, 0);
    #[rustfmt::skip]
    let targets = [
        ("conversations: Rust against C", rate(RUST), rate(C), "at least", 1.0),
        ("against socat, the best that forks for each", rate(RUST), rate("socat"), "at least", 2.5),
        ("against fork + exit", rate(RUST), rate(FORK), "at least", 0.6),
        ("with 1000 idle clients, against none", idle(IDLE[1]), idle(IDLE[0]), "at least", 0.9),
        ("private memory of a client: Rust against C", ("private", RUST, 0), ("private", C, 0), "at most", 1.1),
        ("downtime, against 2 x bare exec + 1 ms", downtime(RUST), downtime(ALLOWED), "at most", 1.0),
    ];
    for (text, this, other, bound, limit) in targets {
        let ratio = results.ratio(this, other);
        let ratio = ratio.map_or(f64::NAN, |ratio| ratio.median);
        let reached = match bound {
            "at most" => ratio <= limit,
            _ => ratio >= limit,
        };
        let mark = if reached { "" } else { "  not reached" };
        println!("{text:<46}{bound:<8} {limit:<6}{ratio:.2}{mark}");
    }
}

/// All servers, each round beginning with another one.
fn alternated(all: &[Server], round: usize) -> impl Iterator<Item = &Server> {
    let (last, first) = all.split_at(round % all.len());
    first.iter().chain(last)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
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
    let start = Instant::now();
    let arguments = ["fork", &FORKS.to_string()];
    match Command::new(limit).args(arguments).status() {
        Ok(status) if status.success() => Ok(FORKS as f64 / start.elapsed().as_secs_f64()),
        other => Err(format!("limit fork: {other:?}")),
    }
}
