//! The memory that one more client costs.

use super::load::idle_clients;
use super::servers::Server;
use crate::support::{Result, fresh_address, process};
use std::fs;

/// Clients of a server: many, so that single pages of the server itself do not count.
const CLIENTS: usize = 100;
/// Servers: the kernel randomizes the start of a stack, which can take one page more or less.
const STARTS: usize = 5;

/// Private memory for each client, KiB, of a server and its child processes, without kernel memory.
pub fn private_memory(server: &Server) -> Result<f64> {
    let mut sum = 0.0;
    for _ in 0..STARTS {
        let running = server.start(fresh_address())?;
        let pid = running.process.id() as i32;
        let before = private_of_tree(pid);
        let _clients = idle_clients(running.address, CLIENTS)?;
        sum += private_of_tree(pid) - before;
    }
    Ok(sum / (STARTS * CLIENTS) as f64)
}

/// Private memory of a process and its descendants.
fn private_of_tree(pid: i32) -> f64 {
    let numbers = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let tree = pids.filter(|&other| descends(other, pid));
    // A process may have exited meanwhile.
    let files = tree.filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok());
    let private = |line: &str| -> Option<f64> {
        let (_, value) = line.strip_prefix("Private_")?.split_once(':')?;
        value.split_whitespace().next()?.parse().ok()
    };
    let sums = files.map(|file| file.lines().filter_map(private).sum::<f64>());
    sums.sum()
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
