//! What was measured, round by round.

use std::fmt::Write;

/// A measured value.
struct Row {
    what: &'static str,
    who: &'static str,
    /// How many clients, or bytes.
    with: usize,
    round: usize,
    value: f64,
}

/// All measured values.
#[derive(Default)]
pub struct Results {
    rows: Vec<Row>,
}

/// The median of some values, and how far they go.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Results {
    /// Puts down what was measured in `round`.
    pub fn add(
        &mut self,
        what: &'static str,
        who: &'static str,
        with: usize,
        round: usize,
        value: f64,
    ) {
        self.rows.push(Row {
            what,
            who,
            with,
            round,
            value,
        });
    }

    /// What was measured of `who`, over all rounds.
    pub fn of(&self, what: &str, who: &str, with: usize) -> Option<Spread> {
        let rows = self
            .rows
            .iter()
            .filter(|row| (row.what, row.who, row.with) == (what, who, with));
        spread(rows.map(|row| row.value))
    }

    /// Whether it was tried and failed, which is put down as 0: once is enough to see that.
    pub fn has_failed(&self, what: &str, who: &str, with: usize) -> bool {
        self.of(what, who, with)
            .is_some_and(|seen| seen.most == 0.0)
    }

    /// One against another, each time in the same round.
    pub fn ratio(&self, this: (&str, &str, usize), other: (&str, &str, usize)) -> Option<Spread> {
        let named = |row: &&Row, name| (row.what, row.who, row.with) == name;
        let pairs = self
            .rows
            .iter()
            .filter(|row| named(row, this))
            .filter_map(|row| {
                let mut others = self.rows.iter().filter(|row| named(row, other));
                let other = others.find(|other| other.round == row.round)?;
                Some(row.value / other.value).filter(|ratio| ratio.is_finite())
            });
        spread(pairs)
    }

    /// All of it, a line each.
    pub fn csv(&self) -> String {
        let mut text = String::from("what,who,with,round,value\n");
        for row in &self.rows {
            let Row {
                what,
                who,
                with,
                round,
                value,
            } = row;
            writeln!(text, "{what},{who},{with},{round},{value:.3}").expect("a String takes all");
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
