//! Out of descriptors: the server waits for better times, and does not spin meanwhile.

use super::same;
use crate::support::{Build, Client, Result, builds, fresh_address, wait_for};
use std::fs;
use std::time::Instant;

/// Sets how many descriptors process `pid` may have.
fn limit_descriptors(pid: i32, count: u64) -> Result<()> {
    let limit = libc::rlimit {
        rlim_cur: count,
        rlim_max: 4096,
    };
    // SAFETY: the kernel reads an rlimit where there is one, and the old one is not asked for.
    let z = unsafe {
        libc::prlimit(
            pid,
            libc::RLIMIT_NOFILE,
            &raw const limit,
            std::ptr::null_mut(),
        )
    };
    match z {
        0 => Ok(()),
        _ => Err(format!("prlimit: {}", errno::errno())),
    }
}

/// What `field` of /proc/PID/status is.
fn status(pid: i32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim_start_matches(':').trim().parse().ok()
}

/// Nanoseconds that process `pid` has had of a core.
fn time_used(pid: i32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/schedstat")).map_err(|e| e.to_string())?;
    let first = stat.split(' ').next().and_then(|first| first.parse().ok());
    first.ok_or_else(|| format!("/proc/{pid}/schedstat is {stat:?}"))
}

fn without_descriptors(build: &Build) -> Result<()> {
    let mut server = build.serve_on(fresh_address(), true)?.server()?;
    let pid = server.pid;
    limit_descriptors(pid, 4)?; // 0, 1, 2 and the listening socket
    let mut client = Client::of(&server)?;
    let complaint = format!("reuseaddr: accept {}: Too many open files", server.address);
    same(server.complaint()?, complaint)?;

    let (start, used) = (Instant::now(), time_used(pid)?);
    let pauses = status(pid, "voluntary_ctxt_switches").unwrap_or(0);
    wait_for("ten pauses", || {
        (status(pid, "voluntary_ctxt_switches")? >= pauses + 10).then_some(())
    })?;
    let share = (time_used(pid)? - used) as f64 / start.elapsed().as_nanos() as f64;
    println!(
        "{}: {:.2}% of a core, out of descriptors",
        build.name,
        share * 100.0
    );
    assert!(
        share < 0.05,
        "{}: {:.0}% of a core",
        build.name,
        share * 100.0
    );

    limit_descriptors(pid, 4096)?;
    client.echo("hello")?;
    same(server.finish(), vec![])
}

#[test]
fn out_of_descriptors_the_server_does_not_spin_and_recovers_by_itself() -> Result<()> {
    builds().iter().try_for_each(without_descriptors)
}
