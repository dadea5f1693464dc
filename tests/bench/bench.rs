//! `make bench`: speed, memory and downtime of both builds, of socat and of the machine itself, in rounds.
//! Environment: `ROUNDS=N`.

mod cost;
mod interval;
mod report;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use cost::*;
use report::{Results, print_head};
use servers::{ALLOWED, BARE, FORK, NO_FORK, RUST, Running, Server, servers};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{Client, Result, project, raise_limit, text, tool};

/// Duration of a slice of load.
const SLICE: Duration = Duration::from_millis(40);
/// Clients at once, and how often in a round every server serves them, for two slices each time.
const RATES: [(&str, usize, usize); 3] = [
    ("rate with 1", 1, 1),
    ("rate with 8", 8, 3),
    ("rate with 64", 64, 1),
];
const IDLE: usize = 1000;

fn main() -> Result<()> {
    let rounds = env::var("ROUNDS").unwrap_or_else(|_| "20".into());
    let rounds = rounds.parse().ok().filter(|rounds: &usize| *rounds > 0);
    let rounds = rounds.ok_or("ROUNDS must be 1 or more")?;
    raise_limit();
    let limit = build_limit()?;
    let mut all = servers(&limit);
    let mut results = Results::default();
    print_head(rounds);

    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        results.round = round;
        all.rotate_left(1); // each round begins with another server
        rates(&all, &limit, &mut results)?;
        let bare = bare_exec(&limit)?;
        results.add("downtime ms", BARE, bare);
        results.add("downtime ms", ALLOWED, 2.0 * bare + 1.0);
        for server in &all {
            results.add("faults", server.name, faults(server)?);
            results.add("calls", server.name, calls(server)?);
            results.add("downtime ms", server.name, downtime(server)?);
            if server.name != NO_FORK {
                beside_idle(server, &mut results)?;
            }
        }
        for situation in SITUATIONS {
            cpu(situation, &mut results).map_err(text)?;
        }
    }

    println!("\n1. Conversations a second: connect, echo 64 bytes, end of file;");
    println!("   minor page faults and system calls of one conversation\n");
    let against_rust = |what| move |name| [(what, RUST), (what, name)];
    let columns = [&RATES.map(|(what, ..)| what)[..], &["faults", "calls"]].concat();
    let ratio = against_rust("rate with 8");
    results.print_table("clients", &columns, "Rust / server, 8 clients", ratio);
    println!("\n2. Conversations a second, 8 clients at once beside idle clients\n");
    let columns = ["rate beside 0", "rate beside 1000"];
    let ratio = |name| [(columns[1], name), (columns[0], name)];
    results.print_table("idle", &columns, "1000 idle / none", ratio);
    println!("\n3. Private memory for each client, KiB, over all processes of a server\n");
    let ratio = against_rust("private KiB");
    results.print_table("", &["private KiB"], "Rust / server", ratio);
    println!("\n4. Downtime, ms: SIGKILL to the listener, restart, until a client is served\n");
    let ratio = against_rust("downtime ms");
    results.print_table("", &["downtime ms"], "Rust / server", ratio);
    println!("\n5. Targets; CPU time of explain for a port that also has a listener\n");
    results.print_targets();
    Ok(())
}

/// Adds the conversations a second of all servers, started anew, and the forks a second of fork + exit.
/// Slices alternate between them, in the order A B C C B A, each time beginning with another one.
fn rates(all: &[Server], limit: &Path, results: &mut Results) -> Result<()> {
    let running: Vec<Running> = all.iter().map(Server::start).collect::<Result<_>>()?;
    for server in &running {
        load(server.address, 8, SLICE)?; // warm up
    }
    for (what, clients, turns) in RATES {
        // None is fork + exit.
        let mut order: Vec<Option<&Running>> = running.iter().map(Some).collect();
        order.extend((clients == 8).then_some(None));
        let rate = |server: &Option<&Running>| match server {
            Some(server) => load(server.address, clients, SLICE),
            None => forks(limit),
        };
        for _ in 0..turns {
            let there: Vec<f64> = order.iter().map(rate).collect::<Result<_>>()?;
            let back: Vec<f64> = order.iter().rev().map(rate).collect::<Result<_>>()?;
            let means = there.iter().zip(back.iter().rev());
            for (server, (there, back)) in order.iter().zip(means) {
                let name = server.map_or(FORK, |server| server.name);
                results.add(what, name, (there + back) / 2.0);
            }
            order.rotate_left(1);
        }
    }
    Ok(())
}

/// Adds a server's conversations a second beside idle clients and without them, and its memory for each of them.
fn beside_idle(server: &Server, results: &mut Results) -> Result<()> {
    let running = server.start()?;
    let pid = running.process.id() as i32;
    let rate = |slices| load(running.address, 8, slices * SLICE);
    rate(1)?; // warm up
    let before = rate(2)?;
    // Only without any child process, the pages of the program itself are private.
    let mut idle = vec![Client::served(running.address)?];
    let kib_of_one = private_of_group(pid);
    while idle.len() < IDLE {
        idle.push(Client::served(running.address)?);
    }
    let kib = (private_of_group(pid) - kib_of_one) / (IDLE - 1) as f64;
    results.add("private KiB", server.name, kib);
    results.add("rate beside 1000", server.name, rate(4)?);
    for client in &mut idle {
        client.half_close()?;
    }
    results.add("rate beside 0", server.name, (before + rate(2)?) / 2.0);
    Ok(())
}

fn build_limit() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limit");
    let mut compiler = Command::new(tool("cc", "gcc libc6-dev"));
    compiler.args("-std=c11 -D_GNU_SOURCE -O2 -static -o".split(' '));
    compiler.arg(&path).arg(project("tests/bench/limit.c"));
    let compiled = compiler.status().is_ok_and(|status| status.success());
    compiled
        .then_some(path)
        .ok_or("cc cannot compile limit.c".into())
}

/// Processes a second that are forked, exit and are reaped.
fn forks(limit: &Path) -> Result<f64> {
    let arguments = ["fork", &SLICE.as_millis().to_string()];
    let output = Command::new(limit).args(arguments).output();
    let rate = String::from_utf8_lossy(&output.map_err(text)?.stdout)
        .trim()
        .parse();
    rate.map_err(|error| format!("limit fork: {error}"))
}
