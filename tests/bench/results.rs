//! The measured values.

use super::interval::Interval;
use std::fmt::Write;

/// What is measured, the name of the server, and a number of clients.
pub type Key = (&'static str, &'static str, usize);

/// Clients at once, for all ratios.
pub const EIGHT: usize = 8;
/// Idle clients beside the eight.
pub const IDLE: usize = 1000;

/// All measured values, each with its round.
#[derive(Default)]
pub struct Results(Vec<(Key, usize, f64)>);

impl Results {
    pub fn add(&mut self, key: Key, round: usize, value: f64) {
        self.0.push((key, round, value));
    }

    /// The median of all values of `key`.
    pub fn median(&self, key: Key) -> Option<f64> {
        let values = self.0.iter().filter(|(other, ..)| *other == key);
        median(values.map(|(.., value)| *value).collect())
    }

    /// The values of `key` in `round`.
    fn of(&self, key: Key, round: usize) -> impl Iterator<Item = f64> {
        let rows = self.0.iter();
        rows.filter_map(move |row| ((row.0, row.1) == (key, round)).then_some(row.2))
    }

    /// The ratio of two values. In a round, each value of one is divided by that of the other which was
    /// measured beside it; the median of these ratios is the ratio of the round.
    pub fn ratio(&self, this: Key, other: Key) -> Option<Interval> {
        let rounds = self.0.iter().map(|(_, round, _)| round + 1).max()?;
        let ratios = (0..rounds).filter_map(|round| {
            let pairs = self.of(this, round).zip(self.of(other, round));
            median(pairs.map(|(this, other)| this / other).collect())
        });
        let logs: Vec<f64> = ratios.map(f64::ln).collect();
        (!logs.is_empty()).then(|| Interval::of(&logs))
    }

    /// All values, a line each.
    pub fn csv(&self) -> String {
        let mut text = String::from("what,who,with,round,value\n");
        for ((what, name, clients), round, value) in &self.0 {
            writeln!(text, "{what},{name},{clients},{round},{value:.3}").expect("a String grows");
        }
        text
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
