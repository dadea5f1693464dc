//! A ratio that was measured in several rounds: its 95% interval, and whether it reaches a target.

use std::fmt;

const RESAMPLES: usize = 10_000;
/// Fewer rounds have no interval, and decide nothing.
const LEAST: usize = 6;
/// The largest number of rounds that is recommended.
const MOST: f64 = 1000.0;

#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// The mean of the ratios of the rounds, and its 95% interval.
pub struct Interval {
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
    rounds: usize,
}

impl Interval {
    /// The percentile bootstrap over rounds. `logs` are the logarithms of their ratios, at least one.
    pub fn of(logs: &[f64]) -> Interval {
        let mut state = 1_u64; // of xorshift64: the same ratios have the same interval
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            logs[(state >> 32) as usize % logs.len()]
        };
        let mut resample = || logs.iter().map(|_| draw()).collect();
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| middle_mean(resample())).collect();
        means.sort_by(f64::total_cmp);
        Interval {
            ratio: middle_mean(logs.into()).exp(),
            low: means[RESAMPLES / 40].exp(),
            high: means[RESAMPLES - 1 - RESAMPLES / 40].exp(),
            rounds: logs.len(),
        }
    }

    /// `reached` or `not reached` if the whole interval says so, else how many rounds would decide it.
    pub fn verdict(&self, target: Target) -> String {
        let (limit, reached, missed) = match target {
            Target::AtLeast(limit) => (limit, self.low >= limit, self.high < limit),
            Target::AtMost(limit) => (limit, self.high <= limit, self.low > limit),
        };
        // The width of an interval is proportional to 1 / sqrt(rounds).
        let ends = [self.low, self.high].map(|end| (end / self.ratio).ln());
        let times = ends[usize::from(self.ratio < limit)] / (limit / self.ratio).ln();
        let rounds = self.rounds as f64 * times * times;
        match (reached, missed) {
            _ if self.rounds < LEAST => format!("undecided: fewer than {LEAST} rounds"),
            (true, _) => "reached".into(),
            (_, true) => "not reached".into(),
            _ if rounds <= MOST => format!("undecided: about {rounds:.0} rounds would decide"),
            _ => format!("undecided: more than {MOST} rounds would decide"),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut text = format!("{:.3} ({:.3} to {:.3})", self.ratio, self.low, self.high);
        if self.rounds < LEAST {
            text = format!("{:.3} (no interval)", self.ratio);
        }
        f.pad(&text)
    }
}

/// The mean of the middle half of the values: a round in which the machine paused does not count.
fn middle_mean(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let quarter = values.len() / 4;
    let middle = &values[quarter..values.len() - quarter];
    middle.iter().sum::<f64>() / middle.len() as f64
}
