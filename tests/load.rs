//! Clients of every kind, one by one and by the thousand: the server goes on, nothing piles up, and each
//! byte that should come back comes back.

mod flood;
mod kinds;
mod restarts;

use crate::support::{Result, Server, descriptors, process, process_status, wait_for};
use std::fs;

/// What must not grow with the clients that a server has had.
#[derive(Debug, PartialEq)]
struct Household {
    descriptors: usize,
    children: usize,
}

/// Waits until the server has again what it had `before`.
fn settle(server: &Server, before: &Household) -> Result<()> {
    let mut seen = household(server.pid);
    wait_for("end of what the clients left", || {
        seen = household(server.pid);
        (seen == *before).then_some(())
    })
    .map_err(|reason| format!("{reason}: {seen:?}, and before {before:?}"))
}

fn household(pid: i32) -> Household {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Household {
        descriptors: descriptors(pid),
        // A zombie is a child too.
        children: pids
            .filter(|&other| process(other).is_some_and(|(_, parent)| parent == pid))
            .count(),
    }
}

/// Anonymous memory of process `pid`, in KiB.
fn memory(pid: i32) -> u64 {
    process_status(pid, "RssAnon").unwrap()
}

/// At least `count` bytes that tell where in the stream they stand.
pub fn numbered(count: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..251).collect();
    all.repeat(count / all.len() + 1)
}
