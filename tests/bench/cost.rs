//! The minor page faults and the system calls of a conversation. They do not depend on the machine's load.

use super::load::converse;
use super::servers::{NO_FORK, Running, Server};
use crate::support::{Client, Program, Result, process_status, scratch, send_signal};
use crate::support::{strace, text, wait_for};
use std::{fs, mem, process::Stdio, ptr};

/// Conversations, one after the other, over which costs are averaged.
const CONVERSATIONS: usize = 100;

/// Minor page faults of a conversation, in the listening process and in its child process.
pub fn faults(server: &Server) -> Result<f64> {
    let mut running = server.start()?;
    let pid = running.process.id() as i32;
    let before = minor_faults(pid)?;
    converse_in_turn(&running)?;
    let listener = (minor_faults(pid)? - before) / CONVERSATIONS as f64;
    if server.name == NO_FORK {
        return Ok(listener);
    }
    // The child process becomes an orphan: this process reaps it, and gets its resource usage.
    let mut client = Client::served(running.address)?;
    send_signal(pid, libc::SIGKILL)?;
    running.process.wait().map_err(text)?;
    client.half_close()?;
    // SAFETY: rusage consists of integers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: a null pointer means that no status is returned; `usage` is an rusage.
    let child = unsafe { libc::wait4(-pid, ptr::null_mut(), 0, &raw mut usage) };
    let faults = (child != -1).then_some(listener + usage.ru_minflt as f64);
    faults.ok_or_else(|| format!("wait4, {}: {}", server.name, errno::errno()))
}

/// System calls of a conversation, in all processes.
pub fn calls(server: &Server) -> Result<f64> {
    let running = server.start()?;
    let pid = running.process.id() as i32;
    let file = scratch("calls");
    let mut strace = strace(&format!("-f -e signal=none -p {pid}"), &file);
    strace.stderr(Stdio::null());
    let _strace = Program::start(strace)?;
    wait_for("strace at the server", || {
        process_status(pid, "TracerPid").filter(|tracer| *tracer != 0)
    })?;
    converse_in_turn(&running)?;
    let trace = fs::read_to_string(&file).map_err(text)?;
    let _ = fs::remove_file(&file);
    let other = |line: &&str| line.contains(" resumed>") || line.contains("+++ ");
    let calls = trace.lines().filter(|line| !other(line)).count();
    // The last child process may not have exited yet: a few calls of so many are missing.
    Ok((calls as f64 / CONVERSATIONS as f64).round())
}

fn converse_in_turn(running: &Running) -> Result<()> {
    (0..CONVERSATIONS).try_for_each(|_| converse(running.address).map_err(text))
}

/// The minor page faults of a process so far, from /proc/PID/stat.
fn minor_faults(pid: i32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(text)?;
    let field = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.split(' ').nth(7));
    let faults = field.and_then(|field| field.parse().ok());
    faults.ok_or_else(|| format!("/proc/{pid}/stat: {stat}"))
}
