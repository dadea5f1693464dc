//! What `make bench` prints.

use super::interval::Target::{AtLeast, AtMost};
use super::results::{EIGHT, IDLE, Key, Results};
use super::servers::{ALLOWED, BARE, C, FORK, NAMES, NO_FORK, RUST};
use crate::support::release;
use std::{fs, thread};

pub fn print_head(rounds: usize) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.split("model name\t: ").nth(1);
    let model = model.map_or("unknown processor", |rest| rest.lines().next().unwrap());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("Linux {}, {cores} cores, {model}", release());
    println!("Medians of {rounds} rounds; each starts the servers anew.");
    println!("Ratios: mean of the middle half of the rounds (95% interval).\n");
    println!("socat        forks; echoes through a pipe, by select");
    println!("{NO_FORK}      C, static: one client after the other");
    println!("{FORK}  C, static: fork, _exit and waitpid, without a client");
    println!("{BARE}    fork, exec, exit and wait of a static program that does nothing");
}

/// Prints a row for each server that has values: the medians of the columns (heading, what is measured,
/// number of clients), and a ratio with its interval.
pub fn print_table(
    results: &Results,
    heading: &str,
    columns: &[(&str, &'static str, usize)],
    ratio_heading: &str,
    ratio: impl Fn(&'static str) -> [Key; 2],
) {
    let headings: String = columns
        .iter()
        .map(|(text, ..)| format!("{text:>11}"))
        .collect();
    println!("{heading:<12}{headings}   {ratio_heading}");
    for name in NAMES {
        let median = |&(_, what, clients)| results.median((what, name, clients));
        let medians: Vec<Option<f64>> = columns.iter().map(median).collect();
        if medians.iter().all(Option::is_none) {
            continue;
        }
        let cells = medians.iter().map(|value| value.map_or("-".into(), short));
        let row: String = cells.map(|cell| format!("{cell:>11}")).collect();
        let [this, other] = ratio(name);
        let ratio = results.ratio(this, other).filter(|_| this != other);
        let ratio = ratio.map_or(String::new(), |ratio| format!("   {ratio}"));
        println!("{name:<12}{row}{ratio}");
    }
}

/// Prints the targets and whether they are reached.
pub fn print_targets(results: &Results) {
    println!("\n5. Targets\n");
    let rate = |name| ("rate", name, EIGHT);
    let idle = |count| ("rate beside idle", RUST, count);
    let downtime = |name| ("downtime", name, 0);
    #[rustfmt::skip]
    let targets = [
        ("conversations: Rust against C", rate(RUST), rate(C), AtLeast(1.0)),
        ("against socat, the best that forks for each", rate(RUST), rate("socat"), AtLeast(2.5)),
        ("against fork + exit", rate(RUST), rate(FORK), AtLeast(0.6)),
        ("with 1000 idle clients, against none", idle(IDLE), idle(0), AtLeast(0.9)),
        ("private memory of a client: Rust against C", ("private", RUST, 0), ("private", C, 0), AtMost(1.1)),
        ("downtime, against 2 x bare exec + 1 ms", downtime(RUST), downtime(ALLOWED), AtMost(1.0)),
    ];
    for (text, this, other, target) in targets {
        let (bound, limit) = match target {
            AtLeast(limit) => ("at least", limit),
            AtMost(limit) => ("at most", limit),
        };
        let ratio = results.ratio(this, other).expect("it was measured");
        let verdict = ratio.verdict(target);
        println!("{text:<46}{bound:<8} {limit:<6}{ratio:<24}{verdict}");
    }
}

/// Three digits, or all digits of the integer.
fn short(value: f64) -> String {
    let digits = usize::from(value < 100.0) + usize::from(value < 10.0);
    format!("{value:.digits$}")
}
