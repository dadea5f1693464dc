//! How `make bench` decides: tests of bench/interval.rs.

mod interval;

use interval::{Interval, Target};

/// The interval of rounds whose ratios lie evenly from 2% below to 2% above `ratio`.
fn around(ratio: f64, rounds: usize) -> Interval {
    let step = 0.04 / (rounds - 1) as f64;
    let logs = (0..rounds).map(|round| ratio.ln() - 0.02 + step * round as f64);
    Interval::of(&logs.collect::<Vec<f64>>())
}

#[test]
fn an_interval_that_contains_the_target_leaves_it_undecided() {
    let undecided = "undecided: about 45 rounds would decide";
    let hopeless = "undecided: more than 1000 rounds would decide";
    let few = "undecided: fewer than 6 rounds";
    for (ratio, rounds, at_least_1, at_most_1) in [
        (1.02, 12, "reached", "not reached"),
        (0.98, 12, "not reached", "reached"),
        (1.005, 12, undecided, undecided),
        (0.995, 12, undecided, undecided),
        (1.0001, 12, hopeless, hopeless),
        (1.0, 12, hopeless, hopeless),
        (1.1, 6, "reached", "not reached"),
        (1.1, 5, few, few),
    ] {
        let interval = around(ratio, rounds);
        let verdicts = [Target::AtLeast(1.0), Target::AtMost(1.0)];
        let verdicts = verdicts.map(|target| interval.verdict(target));
        let expected = [at_least_1, at_most_1];
        assert_eq!(verdicts, expected, "{ratio}, {rounds} rounds");
    }
}

#[test]
fn a_round_in_which_the_machine_paused_does_not_count() {
    let mut logs = [0.0, 0.01, 0.02, 0.03].repeat(5);
    for log in [0.03, 3.0] {
        logs[3] = log;
        let interval = Interval::of(&logs).to_string();
        assert_eq!(interval, "1.015 (1.008 to 1.022)", "{log}");
    }
}

#[test]
fn few_rounds_have_no_interval() {
    assert_eq!(around(1.1, 5).to_string(), "1.100 (no interval)");
    assert_eq!(around(1.1, 6).to_string(), "1.100 (1.085 to 1.116)");
}

#[test]
fn the_rounds_needed_depend_on_the_end_of_the_interval_beyond_the_target() {
    let interval = Interval::of(&[0.0, 0.0, 0.0, 0.01, 0.03, 0.07, 0.07, 0.07]);
    assert_eq!(interval.to_string(), "1.028 (1.000 to 1.073)");
    for (limit, rounds) in [(1.01, 20), (1.05, 32)] {
        let expected = format!("undecided: about {rounds} rounds would decide");
        assert_eq!(interval.verdict(Target::AtLeast(limit)), expected);
    }
}
