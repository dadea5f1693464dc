//! Without a free descriptor, the server waits for one, without spinning.

use super::{faulty, same, trace_file};
use crate::support::*;
use std::fs;
use std::time::Instant;

/// CPU time of process `pid`, in nanoseconds.
fn cpu_time(pid: i32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/schedstat")).map_err(text)?;
    let first = stat.split(' ').next().and_then(|first| first.parse().ok());
    first.ok_or_else(|| format!("/proc/{pid}/schedstat is {stat:?}"))
}

#[test]
fn out_of_descriptors_the_server_does_not_spin_and_recovers_by_itself() -> Result<()> {
    for build in builds() {
        let mut server = build.serve_on(fresh_address(), true)?.server()?;
        let pid = server.pid;
        limit_descriptors(pid, 4); // 0, 1, 2 and the listening socket
        let mut client = Client::of(&server)?;
        let line = format!("reuseaddr: accept {}: Too many open files", server.address);
        same(server.error_line()?, line)?;

        let (start, cpu_start) = (Instant::now(), cpu_time(pid)?);
        let pauses = || process_status(pid, "voluntary_ctxt_switches");
        let before = pauses().unwrap_or(0);
        wait_until("ten pauses", || pauses() >= Some(before + 10))?;
        let cpu = (cpu_time(pid)? - cpu_start) as f64;
        let percent = 100.0 * cpu / start.elapsed().as_nanos() as f64;
        let name = &build.name;
        println!("{name}: {percent:.2}% of a core, out of descriptors");
        assert!(percent < 5.0, "{name}: {percent:.0}% of a core");

        limit_descriptors(pid, 4096);
        client.echo("hello")?;
        same(server.finish(), vec![])?;
    }
    Ok(())
}

#[test]
fn a_shortage_with_signals_in_between_is_reported_once() -> Result<()> {
    for build in builds() {
        // Before the limit is set, the first accept(2) has reserved a descriptor. The second is interrupted, the
        // third fails, and so on.
        let server = faulty(build, fresh_address(), "accept:error=EINTR:when=2+3")?.server()?;
        limit_descriptors(server.pid, 4);
        let mut client = Client::of(&server)?;
        wait_for("shortage between two signals", || {
            let trace = fs::read_to_string(trace_file(server.address)).ok()?;
            trace.split("(INJECTED)").nth(2)?.find("EMFILE")
        })?;
        limit_descriptors(server.pid, 4096);
        client.echo("hello")?;
        take_file(&trace_file(server.address))?;
        let line = format!("reuseaddr: accept {}: Too many open files", server.address);
        same(server.finish(), vec![line])?;
    }
    Ok(())
}
