//! The measured values, and the tables of them.

use super::servers::NAMES;
use std::fmt::Write;

/// What is measured, the name of the server, and a number of clients.
pub type Key = (&'static str, &'static str, usize);

/// All measured values, each with its round.
#[derive(Default)]
pub struct Results(Vec<(Key, usize, f64)>);

/// The median of some values, and their range.
pub struct Spread {
    pub median: f64,
    least: f64,
    most: f64,
}

impl Results {
    pub fn add(&mut self, key: Key, round: usize, value: f64) {
        self.0.push((key, round, value));
    }

    /// The values of `key`, by rounds.
    fn of(&self, key: Key) -> impl Iterator<Item = (usize, f64)> + '_ {
        let rows = self.0.iter().filter(move |(other, ..)| *other == key);
        rows.map(|(_, round, value)| (*round, *value))
    }

    /// The ratio of two values of the same round.
    pub fn ratio(&self, this: Key, other: Key) -> Option<Spread> {
        let ratio = |(round, value)| {
            let (_, other) = self.of(other).find(|(other, _)| *other == round)?;
            Some(value / other)
        };
        spread(self.of(this).filter_map(ratio))
    }

    /// Prints a row for each server that has values: the medians of the columns (heading, what is
    /// measured, number of clients), and a ratio with its range.
    pub fn print_table(
        &self,
        heading: &str,
        columns: &[(String, &'static str, usize)],
        ratio_heading: &str,
        ratio: impl Fn(&'static str) -> [Key; 2],
    ) {
        let headings = columns.iter().map(|(text, ..)| format!("{text:>11}"));
        let headings: String = headings.collect();
        println!("{heading:<12}{headings}   {ratio_heading}");
        for name in NAMES {
            let medians = columns.iter().map(|(_, what, clients)| {
                let values = self.of((what, name, *clients)).map(|(_, value)| value);
                spread(values).map(|spread| short(spread.median))
            });
            let medians: Vec<Option<String>> = medians.collect();
            if medians.iter().all(Option::is_none) {
                continue;
            }
            let cells = medians.iter().map(|cell| cell.as_deref().unwrap_or("-"));
            let mut row: String = cells.map(|cell| format!("{cell:>11}")).collect();
            let [this, other] = ratio(name);
            if let Some(ratio) = self.ratio(this, other).filter(|_| this != other) {
                let range = format!("({:.2} to {:.2})", ratio.least, ratio.most);
                row += &format!("   {:.2} {range}", ratio.median);
            }
            println!("{name:<12}{row}");
        }
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

fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    Some(Spread {
        median: *values.get(values.len() / 2)?,
        least: *values.first()?,
        most: *values.last()?,
    })
}

/// Three digits, or all digits of the integer.
fn short(value: f64) -> String {
    let digits = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}
