//! The measured values, and what `make bench` prints of them.

use super::cost::SITUATIONS;
use super::interval::Interval;
use super::interval::Target::{AtLeast, AtMost};
use super::servers::{ALLOWED, BARE, C, FORK, NAMES, NO_FORK, RUST};
use crate::support::release;
use std::{fs, thread};

/// What is measured, and the name of the server.
pub type Key = (&'static str, &'static str);

/// All measured values, each with its round.
#[derive(Default)]
pub struct Results {
    pub round: usize,
    values: Vec<(Key, usize, f64)>,
}

impl Results {
    pub fn add(&mut self, what: &'static str, name: &'static str, value: f64) {
        self.values.push(((what, name), self.round, value));
    }

    /// The values of `key`, each with its round.
    fn of(&self, key: Key) -> impl Iterator<Item = (usize, f64)> {
        let values = self.values.iter().filter(move |value| value.0 == key);
        values.map(|&(_, round, value)| (round, value))
    }

    /// The ratio of two values. In a round, each value of one is divided by that of the other which was
    /// measured beside it; the median of these ratios is the ratio of the round.
    fn ratio(&self, this: Key, other: Key) -> Option<Interval> {
        let pairs = self.of(this).zip(self.of(other));
        let ratios: Vec<_> = pairs.map(|((round, a), (_, b))| (round, a / b)).collect();
        let of_round = |round| {
            let ratios = ratios.iter().filter(|ratio| ratio.0 == round);
            median(ratios.map(|ratio| ratio.1).collect())
        };
        let logs: Vec<f64> = (0..=self.round).filter_map(of_round).map(f64::ln).collect();
        (!logs.is_empty() && this != other).then(|| Interval::of(&logs))
    }

    /// Prints a row for each server that has values: medians of the `columns`, and a ratio.
    pub fn print_table(
        &self,
        heading: &str,
        columns: &[&'static str],
        ratio_heading: &str,
        ratio: impl Fn(&'static str) -> [Key; 2],
    ) {
        let headings = columns.iter().filter_map(|what| what.rsplit(' ').next());
        print_row(heading, headings.map(str::to_string), ratio_heading);
        for name in NAMES {
            let values = |what| self.of((what, name)).map(|(_, value)| value).collect();
            let medians: Vec<_> = columns.iter().map(|what| median(values(what))).collect();
            if medians.iter().any(Option::is_some) {
                let [this, other] = ratio(name);
                let ratio = self.ratio(this, other).map(|ratio| ratio.to_string());
                let cells = medians.iter().map(|value| value.map_or("-".into(), short));
                print_row(name, cells, &ratio.unwrap_or_default());
            }
        }
    }

    pub fn print_targets(&self) {
        let rate = |name| ("rate with 8", name);
        #[rustfmt::skip]
        let targets = [
            ("conversations", rate(RUST), rate(C), AtLeast(1.0)),
            ("conversations", rate(RUST), rate("socat"), AtLeast(2.5)),
            ("conversations", rate(RUST), rate(FORK), AtLeast(0.6)),
            ("1000 idle clients and none", ("rate beside 1000", RUST), ("rate beside 0", RUST), AtLeast(0.9)),
            ("private memory of a client", ("private KiB", RUST), ("private KiB", C), AtMost(1.1)),
            ("downtime (2 x bare exec + 1 ms)", ("downtime ms", RUST), ("downtime ms", ALLOWED), AtMost(1.0)),
        ];
        let explain = SITUATIONS.iter().flat_map(|&(what, ..)| {
            [RUST, C].map(|name| (what, (what, name), (what, "ss"), AtMost(1.0)))
        });
        for (text, this, other, target) in targets.into_iter().chain(explain) {
            let text = format!("{text}: {} against {}", this.1, other.1);
            let (bound, limit) = match target {
                AtLeast(limit) => ("at least", limit),
                AtMost(limit) => ("at most", limit),
            };
            let ratio = self.ratio(this, other).expect("it was measured");
            let verdict = ratio.verdict(target);
            println!("{text:<49}{bound:<8} {limit:<6}{ratio:<24}{verdict}");
        }
    }
}

fn print_row(name: &str, cells: impl Iterator<Item = String>, ratio: &str) {
    let cells: String = cells.map(|cell| format!("{cell:>11}")).collect();
    println!("{}", format!("{name:<12}{cells}   {ratio}").trim_end());
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Three digits, or all digits of the integer.
fn short(value: f64) -> String {
    let digits = usize::from(value < 100.0) + usize::from(value < 10.0);
    format!("{value:.digits$}")
}

pub fn print_head(rounds: usize) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = cpus.lines();
    let model = lines.find_map(|line| line.strip_prefix("model name\t: "));
    let model = model.unwrap_or("unknown processor");
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("Linux {}, {cores} cores, {model}", release());
    println!("Medians of {rounds} rounds; each starts the servers anew.");
    println!("Ratios: mean of the middle half of the rounds (95% interval).\n");
    println!("socat        forks; echoes through a pipe, by select");
    println!("{NO_FORK}      C, static: one client after the other");
    println!("{FORK}  C, static: fork, _exit and waitpid, without a client");
    println!("{BARE}    fork, exec, exit and wait of a static program that does nothing");
}
