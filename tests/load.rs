//! Clients of every kind, one by one and a thousand at once: all bytes come back, and the server keeps no
//! descriptor, child process or memory of them.

mod flood;
mod kinds;
mod restarts;

use crate::support::*;
use std::fs;

/// The descriptors and child processes, whose numbers must not grow with the number of clients served.
#[derive(Debug, PartialEq)]
struct Resources(usize, usize);

impl Resources {
    /// The resources of process `pid`. A zombie counts as a child process.
    fn of(pid: i32) -> Resources {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_child = |&other: &i32| process(other).is_some_and(|(_, parent)| parent == pid);
        let (descriptors, children) = (descriptors(pid), pids.filter(is_child).count());
        Resources(descriptors, children)
    }
}

/// Waits until the resources of the server are again what they were `before`.
fn wait_until_released(server: &Server, before: &Resources) -> Result<()> {
    let mut now = Resources::of(server.pid);
    wait_until("release of resources", || {
        now = Resources::of(server.pid);
        now == *before
    })
    .map_err(|reason| format!("{reason}: {now:?}, before {before:?}"))
}

/// Anonymous memory of process `pid`, in KiB.
fn memory(pid: i32) -> u64 {
    process_status(pid, "RssAnon").unwrap()
}

/// At least `count` bytes, in a sequence that shows any loss, repetition or swap.
pub fn numbered(count: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..251).collect();
    all.repeat(count / all.len() + 1)
}
