//! What is measured of servers: conversations a second, their page faults and system calls, memory, downtime; CPU time.

use super::report::Results;
use super::servers::{C, NO_FORK, RUST, Running, Server};
use crate::support::*;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, mem, ptr, thread};

/// Bytes that a client sends and gets back.
const BYTES: usize = 64;

/// Conversations a second, of `clients` at once, each with one after the other, for `time`.
pub fn load(server: SocketAddrV4, clients: usize, time: Duration) -> Result<f64> {
    let start = Instant::now();
    let client = || -> io::Result<usize> {
        let mut count = 0;
        while start.elapsed() < time {
            converse(server)?;
            count += 1;
        }
        Ok(count)
    };
    let count: io::Result<usize> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let counts = clients.into_iter().map(|client| client.join().unwrap());
        counts.sum()
    });
    let count = count.map_err(|error| format!("{server}: {error}"))?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

pub fn converse(server: SocketAddrV4) -> io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = [0; BYTES];
    stream.set_read_timeout(Some(deadline()))?;
    stream.write_all(&[b'x'; BYTES])?;
    stream.read_exact(&mut back)?;
    stream.shutdown(Shutdown::Write)?;
    match stream.read_to_end(&mut Vec::new())? {
        0 => Ok(()),
        _ => Err(io::Error::other("more comes back than was sent")),
    }
}

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
    usage(-pid)
        .map(|usage| listener + usage.ru_minflt as f64)
        .map_err(text)
}

/// Waits for a child process, as wait4(2) does, and returns its resource usage.
fn usage(pid: i32) -> io::Result<libc::rusage> {
    // SAFETY: rusage consists of integers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: a null pointer means that no status is returned; `usage` is an rusage.
    checked(unsafe { libc::wait4(pid, ptr::null_mut(), 0, &raw mut usage) }).map(|_| usage)
}

/// System calls of a conversation, in all processes.
pub fn calls(server: &Server) -> Result<f64> {
    let running = server.start()?;
    let strace = Strace::attach(running.process.id() as i32, "")?;
    converse_in_turn(&running)?;
    let trace = strace.detach()?;
    let other = |line: &&str| line.contains(" resumed>") || line.contains("+++ ");
    let calls = trace.lines().filter(|line| !other(line)).count();
    // The last child process may not have exited yet: its last calls may be missing.
    Ok((calls as f64 / CONVERSATIONS as f64).round())
}

fn converse_in_turn(running: &Running) -> Result<()> {
    (0..CONVERSATIONS).try_for_each(|_| converse(running.address).map_err(text))
}

/// The minor page faults of a process so far, from /proc/PID/stat.
fn minor_faults(pid: i32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(text)?;
    let (_, rest) = stat.rsplit_once(") ").unwrap_or_default();
    let faults = rest.split(' ').nth(7).and_then(|field| field.parse().ok());
    faults.ok_or_else(|| format!("/proc/{pid}/stat: {stat}"))
}

/// Private memory of a server and its child processes, KiB, without kernel memory.
pub fn private_of_group(server: i32) -> f64 {
    let files = children(server).chain([server]);
    let files = files.map(|pid| format!("/proc/{pid}/smaps_rollup"));
    // A process may have exited meanwhile.
    let all: String = files.flat_map(fs::read_to_string).collect();
    let private = |line: &str| -> Option<f64> {
        let (_, value) = line.strip_prefix("Private_")?.split_once(':')?;
        value.trim().strip_suffix(" kB")?.parse().ok()
    };
    all.lines().filter_map(private).sum()
}

/// Milliseconds from the kill of a server that has a client until the restarted server serves another one.
pub fn downtime(server: &Server) -> Result<f64> {
    let mut running = server.start()?;
    let address = running.address;
    let _client = Client::served(address)?;

    let start = Instant::now();
    send_signal(running.process.id() as i32, libc::SIGKILL)?;
    running.process.wait().map_err(text)?;
    let _restarted = server.start_on(address)?;
    while Client::served(address).is_err() {
        if start.elapsed() > deadline() {
            return Err(format!("{} does not serve after its restart", server.name));
        }
    }
    Ok(milliseconds_since(start))
}

/// Milliseconds of fork, exec, exit and wait of a static program: the least that a restart takes.
pub fn bare_exec(limit: &Path) -> Result<f64> {
    let start = Instant::now();
    let mut command = Command::new(limit);
    prepare_child(&mut command);
    command.status().map_err(text)?;
    Ok(milliseconds_since(start))
}

fn milliseconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The situations for `explain`: a number of connections, and how many processes inherit both ends of each. Without a
/// process, the server's ends are left in TIME_WAIT.
pub const SITUATIONS: [(&str, usize, usize); 7] = [
    ("quiet", 0, 0),
    ("950 processes", 0, 950),
    ("9,000 connections", 9000, 1),
    ("9,000 of another port", 9000, 1),
    ("9,000 in TIME_WAIT", 9000, 0),
    ("19,800 sockets", 9900, 1), // both ends of each connection
    ("1,000 sockets in 200 processes", 500, 200),
];

/// Adds the CPU milliseconds of `explain` and ss for a port with a listener, in a situation.
pub fn cpu(situation: (&'static str, usize, usize), results: &mut Results) -> io::Result<()> {
    let (what, count, processes) = situation;
    let ports = [fresh_port(), fresh_port()];
    let listeners = ports.map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let busy = &listeners[usize::from(what.contains("another"))];
    let port = if count == 9900 { ports[0] } else { 0 };
    let mut ends: Vec<OwnedFd> = Vec::new();
    for number in 0..count {
        let from = ([127, 1, (number >> 8) as u8, number as u8], port);
        let client = bind_socket(from.into(), true)?;
        connect(&client, busy.local_addr()?)?;
        ends.extend([busy.accept()?.0.into(), client]); // closed in this order
    }
    for end in &ends {
        // SAFETY: no pointers; the descriptor stays open on exec.
        unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, 0) };
    }
    let holder = |_| Command::new("sleep").arg("1000").spawn();
    let holders: Vec<_> = (0..processes).map(holder).collect();
    drop(ends);
    let [c, rust] = builds().each_ref().map(|build| build.path.clone());
    let ss = tool("ss", "iproute2");
    let (explain, list) = ("explain ", "-tanpe sport = :");
    for (name, program, start) in [(RUST, rust, explain), (C, c, explain), ("ss", ss, list)] {
        let arguments = format!("{start}{}", ports[0]);
        let mut command = Command::new(program);
        command.args(arguments.split(' ')).stdout(Stdio::null());
        let usage = usage(command.spawn()?.id() as i32)?;
        let time = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
        results.add(what, name, time(usage.ru_utime) + time(usage.ru_stime));
    }
    for holder in holders {
        holder.and_then(|mut holder| holder.kill().and(holder.wait()))?;
    }
    Ok(())
}
