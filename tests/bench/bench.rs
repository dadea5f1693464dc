//! `make bench`: how fast, how small, how soon again; the two builds, what people run instead, and the
//! machine's own limit, in rounds that alternate between them.
//!
//! Environment: `ROUNDS=N`; `CSV=FILE` gets all values; `SLOW=1` waits for TIME_WAIT's end.

mod contestants;
mod gap;
mod load;
mod memory;
mod results;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use contestants::{Contestant, Kind, OURS, THREADS_WORD, contestants, serve_by_threads};
use gap::{bare, gap, gap_without_the_option};
use load::{idle_clients, load, throughput};
use memory::memory;
use results::Results;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};
use support::{Result, builds, fresh_address, raise_limit, tool};

/// How long a load lasts.
const TIME: Duration = Duration::from_millis(250);
/// And the first one, which does not count.
const WARM_UP: Duration = Duration::from_millis(50);

/// Clients at once.
pub const AT_ONCE: [usize; 4] = [1, 2, 8, 64];
/// And how many if nothing else is said.
pub const SOME: usize = 8;
/// Clients that are there and say nothing.
pub const IDLE: [usize; 3] = [0, 100, 1000];
/// Bytes through one connection.
pub const BYTES: [usize; 3] = [64 << 10, 1 << 20, 64 << 20];
/// fork, exit and reap, and nothing else; and so many of them.
pub const FORK: &str = "fork + exit";
const FORKS: usize = 3000;
/// fork, exec, exit and wait of a static program.
pub const BARE: &str = "bare exec";

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    if words.next().as_deref() == Some(THREADS_WORD) {
        serve_by_threads(&words.next().expect("the address follows"));
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    let rounds = match env::var("ROUNDS") {
        Err(_) => 7,
        Ok(text) => text
            .parse()
            .ok()
            .filter(|&rounds| rounds > 0)
            .ok_or("ROUNDS must be 1 or more")?,
    };
    raise_limit();
    let limit = build_limit()?;
    let (all, missing) = contestants(&limit);
    let mut results = Results::default();
    tables::print_head(&all, &missing, rounds);

    for round in 0..rounds {
        results.add(FORK, FORK, 1, round, forks(&limit)?);
        for contestant in alternated(&all, round) {
            conversations(contestant, round, &mut results)?;
        }
    }
    tables::print_conversations(&results, &all);
    for round in 0..rounds {
        for contestant in alternated(&all, round).filter(|one| one.kind != Kind::Limit) {
            growth(contestant, round, &mut results)?;
        }
    }
    tables::print_growth(&results, &all);
    tables::print_memory(&results, &all);
    for round in 0..rounds {
        results.add("gap", BARE, 0, round, milliseconds(bare(&limit)?));
        for contestant in alternated(&all, round) {
            if !results.has_failed("gap", contestant.name, 0) {
                let gap = gap(contestant)?.unwrap_or_default();
                results.add("gap", contestant.name, 0, round, milliseconds(gap));
            }
        }
    }
    tables::print_gaps(&results, &all);
    if env::var_os("SLOW").is_some_and(|value| value == "1") {
        wait_out_time_wait(&mut results)?;
    }
    tables::print_aims(&results, &all);
    match env::var_os("CSV") {
        None => Ok(()),
        Some(file) => {
            fs::write(&file, results.csv()).map_err(|error| format!("CSV={file:?}: {error}"))
        }
    }
}

/// Each round begins with another one.
fn alternated(all: &[Contestant], round: usize) -> impl Iterator<Item = &Contestant> {
    let (last, first) = all.split_at(round % all.len());
    first.iter().chain(last)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Compiles limit.c.
fn build_limit() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limit");
    let mut compiler = Command::new(tool("cc", "gcc libc6-dev"))
        .args([
            "-std=c11",
            "-D_GNU_SOURCE",
            "-O2",
            "-static",
            "-x",
            "c",
            "-",
            "-o",
        ])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cc: {error}"))?;
    let mut source = compiler.stdin.take().expect("stdin is a pipe");
    let written = source.write_all(include_bytes!("limit.c"));
    drop(source);
    match compiler.wait() {
        Ok(status) if status.success() && written.is_ok() => Ok(path),
        _ => Err("cc cannot compile tests/bench/limit.c".into()),
    }
}

/// fork, exit and reap a second.
fn forks(limit: &Path) -> Result<f64> {
    let start = Instant::now();
    let status = Command::new(limit)
        .args(["fork", &FORKS.to_string()])
        .status();
    match status {
        Ok(status) if status.success() => Ok(FORKS as f64 / start.elapsed().as_secs_f64()),
        other => Err(format!("limit fork: {other:?}")),
    }
}

fn conversations(contestant: &Contestant, round: usize, results: &mut Results) -> Result<()> {
    let server = contestant.start(fresh_address())?;
    load(server.address, SOME, WARM_UP)?;
    for at_once in AT_ONCE {
        let load = load(server.address, at_once, TIME)?;
        for (what, value) in [("rate", load.rate), ("p50", load.p50), ("p99", load.p99)] {
            results.add(what, contestant.name, at_once, round, value);
        }
    }
    Ok(())
}

fn growth(contestant: &Contestant, round: usize, results: &mut Results) -> Result<()> {
    let server = contestant.start(fresh_address())?;
    load(server.address, SOME, WARM_UP)?;
    for bytes in BYTES {
        if !results.has_failed("MB/s", contestant.name, bytes) {
            let rate = throughput(server.address, bytes).unwrap_or(0.0);
            results.add("MB/s", contestant.name, bytes, round, rate);
        }
    }
    let memory = memory(contestant)?;
    results.add("pss", contestant.name, 0, round, memory.pss);
    results.add("private", contestant.name, 0, round, memory.private);
    let mut idle = Vec::new();
    for count in IDLE {
        idle.extend(idle_clients(server.address, count - idle.len())?);
        let rate = load(server.address, SOME, TIME)?.rate;
        results.add("rate beside idle", contestant.name, count, round, rate);
    }
    Ok(())
}

/// Both builds at once: a minute of waiting is enough.
fn wait_out_time_wait(results: &mut Results) -> Result<()> {
    let gaps = thread::scope(|scope| {
        let waiting = builds()
            .iter()
            .map(|build| scope.spawn(|| gap_without_the_option(build)));
        let waiting: Vec<_> = waiting.collect();
        waiting
            .into_iter()
            .map(|gap| gap.join().unwrap())
            .collect::<Result<Vec<_>>>()
    })?;
    for (name, gap) in OURS.into_iter().zip(gaps) {
        results.add("gap without the option", name, 0, 0, milliseconds(gap));
        println!(
            "{name}, without the option: {:.1} s, until TIME_WAIT is over",
            gap.as_secs_f64()
        );
    }
    Ok(())
}
