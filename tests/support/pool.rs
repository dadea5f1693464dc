//! One pool of threads, for the rows of the reports and for the trials of the tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Jobs that run at the same time. A job that hangs blocks one worker until its deadline.
const WORKERS: usize = 8;

/// Runs `job` for each number below `count`, and calls `take` with each number and its result, in
/// order and as early as possible.
pub fn in_order<T: Send>(
    count: usize,
    job: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (sender, next, job) = (sender.clone(), &next, &job);
            scope.spawn(move || {
                let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                for number in numbers.take_while(|number| *number < count) {
                    let result = (number, job(number));
                    sender.send(result).expect("the receiver lives longer");
                }
            });
        }
        drop(sender);
        let (mut early, mut taken) = (BTreeMap::new(), 0);
        for (number, result) in receiver {
            early.insert(number, result);
            while let Some(result) = early.remove(&taken) {
                take(taken, result);
                taken += 1;
            }
        }
    });
}
