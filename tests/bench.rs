//! How `make bench` decides: tests of bench/interval.rs.

mod interval;

use interval::{Interval, Target};

#[test]
fn a_target_is_decided_only_if_the_whole_interval_is_on_one_side_of_it() {
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
        // The ratios of the rounds lie evenly from 2% below to 2% above `ratio`.
        let step = 0.04 / f64::from(rounds - 1);
        let logs = (0..rounds).map(|round| f64::ln(ratio) - 0.02 + step * f64::from(round));
        let interval = Interval::of(&logs.collect::<Vec<f64>>());
        let verdicts = [Target::AtLeast(1.0), Target::AtMost(1.0)].map(|at| interval.verdict(at));
        let expected = [at_least_1, at_most_1];
        assert_eq!(verdicts, expected, "{ratio}, {rounds} rounds");
    }
}

#[test]
fn a_pause_of_the_machine_does_not_count_and_few_rounds_have_no_interval() {
    let usual = [0.0, 0.01, 0.02, 0.03];
    let paused = |log| [&[0.0, 0.01, 0.02, log], &usual.repeat(4)[..]].concat();
    let skewed = vec![0.0, 0.0, 0.0, 0.01, 0.03, 0.07, 0.07, 0.07];
    for (logs, expected) in [
        (paused(0.03), "1.015 (1.008 to 1.022)"),
        (paused(3.0), "1.015 (1.008 to 1.022)"),
        (vec![0.1; 5], "1.105 (no interval)"),
        (vec![0.1; 6], "1.105 (1.105 to 1.105)"),
        (skewed.clone(), "1.028 (1.000 to 1.073)"),
    ] {
        assert_eq!(Interval::of(&logs).to_string(), expected, "{logs:?}");
    }
    // The rounds needed depend on the end of the interval beyond the target.
    for (limit, rounds) in [(1.01, 20), (1.05, 32)] {
        let verdict = Interval::of(&skewed).verdict(Target::AtLeast(limit));
        let expected = format!("undecided: about {rounds} rounds would decide");
        assert_eq!(verdict, expected);
    }
}
