//! The private memory of a server.

use crate::support::process;
use std::fs;

/// Private memory of a process and its descendants, KiB, without kernel memory.
pub fn private_of_tree(pid: i32) -> f64 {
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
