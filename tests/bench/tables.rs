//! The tables, 80 columns wide.

use super::contestants::{C, Contestant, Kind, RUST};
use super::results::{Results, Spread};
use super::{AT_ONCE, BARE, BYTES, FORK, IDLE, SOME};
use crate::support::release;
use std::{fs, thread};

/// How wide the longest bar is.
const BAR: f64 = 50.0;

pub fn print_head(all: &[Contestant], missing: &[String], rounds: usize) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!(
        "Linux {}, {cores} cores, {}",
        release(),
        model.unwrap_or("unknown processor")
    );
    println!("Medians of {rounds} rounds; ratios are of the same round, with their range.\n");
    for one in all.iter().filter(|one| one.kind != Kind::Ours) {
        println!("{:<12}{}", one.name, one.remark);
    }
    println!("{FORK:<12}C, static: fork, _exit and waitpid, no client");
    for line in missing {
        println!("{line}");
    }
}

pub fn print_conversations(results: &Results, all: &[Contestant]) {
    println!("\n1. Conversations a second: connect, 64 bytes there and back, end of file\n");
    println!(
        "{}Rust is, at {SOME}",
        heading("clients", AT_ONCE.map(|n| n.to_string()))
    );
    for one in all {
        let cells = AT_ONCE.map(|n| number(results.of("rate", one.name, n)));
        let against = rust_is(results, "rate", one, SOME);
        println!("{}{against}", heading(one.name, cells));
    }
    let ratio = results.ratio(("rate", RUST, SOME), (FORK, FORK, 1));
    let cells = ["", "", &number(results.of(FORK, FORK, 1)), ""].map(String::from);
    println!("{}{}", heading(FORK, cells), times(ratio));

    println!(
        "\n{}",
        heading("ms, 50%/99%", AT_ONCE.map(|n| n.to_string()))
    );
    for one in all {
        let cells = AT_ONCE.map(|n| {
            let [half, most] = ["p50", "p99"].map(|what| results.of(what, one.name, n));
            let most = most.map_or(String::new(), |most| format!("/{}", short(most.median)));
            half.map_or("-".into(), |half| short(half.median) + &most)
        });
        println!("{}", heading(one.name, cells));
    }

    println!("\nAt {SOME} clients at once:\n");
    let rate = |one: &Contestant| {
        results
            .of("rate", one.name, SOME)
            .map_or(0.0, |rate| rate.median)
    };
    let most = all.iter().map(rate).fold(1.0, f64::max);
    for one in all {
        let bar = "#".repeat((rate(one) / most * BAR).round() as usize);
        println!("{:<12}{bar} {:.0}", one.name, rate(one));
    }
}

pub fn print_growth(results: &Results, all: &[Contestant]) {
    println!("\n2. Growth: conversations a second, {SOME} at once, beside idle clients\n");
    println!(
        "{}with {} it keeps",
        heading("idle", IDLE.map(|n| n.to_string())),
        IDLE[2]
    );
    for one in all.iter().filter(|one| one.kind != Kind::Limit) {
        let cells = IDLE.map(|n| number(results.of("rate beside idle", one.name, n)));
        let [none, most] = [IDLE[0], IDLE[2]].map(|n| ("rate beside idle", one.name, n));
        println!(
            "{}{}",
            heading(one.name, cells),
            times(results.ratio(most, none))
        );
    }
    println!(
        "\n{}Rust is, at 64 MiB",
        heading("MB/s", ["64 KiB", "1 MiB", "64 MiB"].map(String::from))
    );
    for one in all.iter().filter(|one| one.kind != Kind::Limit) {
        let cells = BYTES.map(|n| number(results.of("MB/s", one.name, n)));
        let against = rust_is(results, "MB/s", one, BYTES[2]);
        println!("{}{against}", heading(one.name, cells));
    }
}

pub fn print_memory(results: &Results, all: &[Contestant]) {
    println!("\n3. Memory for each client, KiB, of all processes, by 100 idle ones\n");
    println!(
        "{}Rust's private is",
        heading("", ["PSS", "private"].map(String::from))
    );
    for one in all.iter().filter(|one| one.kind != Kind::Limit) {
        let cells = ["pss", "private"].map(|what| number(results.of(what, one.name, 0)));
        let against = rust_is(results, "private", one, 0);
        println!("{}{against}", heading(one.name, cells));
    }
}

pub fn print_gaps(results: &Results, all: &[Contestant]) {
    println!("\n4. The gap, ms: SIGKILL to the listener, restart, until a client is served\n");
    println!(
        "{}",
        heading("", ["median", "least", "most"].map(String::from))
    );
    for name in all.iter().map(|one| one.name).chain([BARE]) {
        let Some(gap) = results.of("gap", name, 0) else {
            continue;
        };
        let (cells, remark) = match results.has_failed("gap", name, 0) {
            true => (["-"; 3].map(String::from), "does not restart"),
            false => ([gap.median, gap.least, gap.most].map(short), ""),
        };
        println!("{}{remark}", heading(name, cells));
    }
    println!("\n{BARE}: fork, exec, exit and wait of a static program that does nothing");
}

/// What we want to reach, and whether we do.
pub fn print_aims(results: &Results, all: &[Contestant]) {
    println!("\n5. Aims\n");
    let at = |who| ("rate", who, SOME);
    let peers = all.iter().filter(|one| one.kind == Kind::Fork);
    let peers = peers.filter_map(|one| results.ratio(at(RUST), at(one.name)));
    let best_peer = peers.min_by(|a, b| a.median.total_cmp(&b.median));
    let idle = |n| ("rate beside idle", RUST, n);
    let gaps = [RUST, BARE].map(|who| results.of("gap", who, 0).map_or(f64::NAN, |gap| gap.median));
    for (text, value, least, most) in [
        (
            "conversations: Rust against C",
            results.ratio(at(RUST), at(C)),
            1.0,
            f64::MAX,
        ),
        (
            "against the best that forks for each client",
            best_peer,
            2.5,
            f64::MAX,
        ),
        (
            "against fork + exit",
            results.ratio(at(RUST), (FORK, FORK, 1)),
            0.6,
            f64::MAX,
        ),
        (
            "with 1000 idle clients, against none",
            results.ratio(idle(IDLE[2]), idle(0)),
            0.9,
            f64::MAX,
        ),
        (
            "private memory of a client: Rust against C",
            results.ratio(("private", RUST, 0), ("private", C, 0)),
            0.0,
            1.1,
        ),
        (
            "the gap, against 2 x bare exec + 1 ms",
            Some(exactly(gaps[0] / (2.0 * gaps[1] + 1.0))),
            0.0,
            1.0,
        ),
    ] {
        let (bound, limit) = if most < f64::MAX {
            ("at most ", most)
        } else {
            ("at least", least)
        };
        let said = match value {
            None => "not measured".to_string(),
            Some(value) if (least..=most).contains(&value.median) => format!("{:.2}", value.median),
            Some(value) => format!("{:.2}  not reached", value.median),
        };
        println!("{text:<46}{bound} {limit:<6}{said}");
    }
}

fn exactly(value: f64) -> Spread {
    Spread {
        median: value,
        least: value,
        most: value,
    }
}

/// A name, and cells behind it.
fn heading<const N: usize>(name: &str, cells: [String; N]) -> String {
    let cells = cells.map(|cell| format!("{cell:>11}"));
    format!("{name:<12}{}   ", cells.concat())
}

fn number(value: Option<Spread>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.most == 0.0 => "stalls".into(),
        Some(value) => format!("{:.0}", value.median),
    }
}

/// Three digits, if they are enough.
fn short(value: f64) -> String {
    let digits = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Rust against `one`, if that is another one.
fn rust_is(results: &Results, what: &str, one: &Contestant, with: usize) -> String {
    let ratio = results.ratio((what, RUST, with), (what, one.name, with));
    times(ratio.filter(|_| one.name != RUST))
}

fn times(value: Option<Spread>) -> String {
    value.map_or(String::new(), |value| {
        format!(
            "{:.2} x ({:.2} to {:.2})",
            value.median, value.least, value.most
        )
    })
}
