//! What one more client costs in memory.

use super::contestants::{Contestant, Running};
use super::load::idle_clients;
use crate::support::{Result, fresh_address, process};
use std::fs;

/// So many clients are there, so that what a page costs more or less does not count.
const CLIENTS: usize = 100;
/// And so many servers: the kernel places each one's stack at random, on a page more or less.
const STARTS: usize = 5;

/// Kilobytes for each client.
#[derive(Default)]
pub struct Memory {
    /// What is shared counts in part (PSS).
    pub pss: f64,
    /// What nobody else has.
    pub private: f64,
}

/// What each of some clients costs the server and its children, over several servers; the kernel's own
/// memory is not in it.
pub fn memory(contestant: &Contestant) -> Result<Memory> {
    let mut sum = Memory::default();
    for _ in 0..STARTS {
        let each = each_client(&contestant.start(fresh_address())?)?;
        sum.pss += each.pss / STARTS as f64;
        sum.private += each.private / STARTS as f64;
    }
    Ok(sum)
}

fn each_client(server: &Running) -> Result<Memory> {
    let pid = server.process.id() as i32;
    let before = of_family(pid);
    let clients = idle_clients(server.address, CLIENTS)?;
    let after = of_family(pid);
    drop(clients);
    let each = |before: f64, after: f64| (after - before) / CLIENTS as f64;
    Ok(Memory {
        pss: each(before.pss, after.pss),
        private: each(before.private, after.private),
    })
}

/// Of a process and all that descend from it.
fn of_family(pid: i32) -> Memory {
    let numbers = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut sum = Memory::default();
    for member in pids.filter(|&other| descends(other, pid)) {
        // It may have ended meanwhile.
        let text = fs::read_to_string(format!("/proc/{member}/smaps_rollup")).unwrap_or_default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (name, value) = (words.next().unwrap_or_default(), words.next());
            let value: f64 = value.and_then(|value| value.parse().ok()).unwrap_or(0.0);
            match name {
                "Pss:" => sum.pss += value,
                "Private_Clean:" | "Private_Dirty:" => sum.private += value,
                _ => {}
            }
        }
    }
    sum
}

fn descends(mut pid: i32, from: i32) -> bool {
    while pid != from {
        match process(pid) {
            Some((_, parent)) if parent > 0 => pid = parent,
            _ => return false,
        }
    }
    true
}
