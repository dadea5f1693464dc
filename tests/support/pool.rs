//! One pool of threads, for the rows of the reports and for the trials of the tests.

use std::sync::mpsc;
use std::thread;

/// Jobs that run at the same time. A job that hangs blocks one worker until its deadline.
const WORKERS: usize = 8;

/// Runs `job` for each number below `count`, and passes the results to `take`, in order and as early as possible.
pub fn in_order<T: Send>(
    count: usize,
    job: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T),
) {
    let job = &job;
    thread::scope(|scope| {
        let worker = |first: usize| {
            let (sender, receiver) = mpsc::channel();
            let mut numbers = (first..count).step_by(WORKERS);
            scope.spawn(move || numbers.try_for_each(|number| sender.send(job(number))));
            receiver
        };
        let workers: Vec<_> = (0..WORKERS).map(worker).collect();
        for number in 0..count {
            let result = workers[number % WORKERS].recv();
            take(number, result.expect("the job does not panic"));
        }
    });
}
