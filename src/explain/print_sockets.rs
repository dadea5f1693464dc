//! Prints the sockets with their processes, and what could not be read.
//! C counterpart: `c-reference/explain/print_sockets.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::*;
use crate::sock::own_uid;
use libc::{IF_NAMESIZE, STDOUT_FILENO, TIOCGWINSZ, winsize};
use std::ffi::CStr;
use std::mem;

/// Maximum number of groups of sockets that are printed.
const ROWS_MAX: usize = 16;

/// Maximum number of processes that are printed for a group.
const PROCESSES_MAX: usize = 8;

/// Prints `start` and a process, truncated to the width of the terminal, or to 80 columns.
fn print_process(start: &str, process: &Process) {
    let user = user_name(process.uid);
    let state = ["", ", suspended"][usize::from(process.suspended)];
    // SAFETY: winsize has integer members only, for which zero is valid.
    let mut size: winsize = unsafe { mem::zeroed() };

    // SAFETY: TIOCGWINSZ writes a winsize.
    unsafe { libc::ioctl(STDOUT_FILENO, TIOCGWINSZ, &raw mut size) };
    let width = if size.ws_col == 0 { 80 } else { size.ws_col };
    let start = format!("{start}pid {} ({user}{state}): ", process.pid);
    let room = usize::from(width).saturating_sub(start.len()).max(20);
    out!("{start}{:.room$}\n", process.command);
}

/// Prints the processes that hold `sockets`, as processes to stop if `stop`. If the parent of a
/// process holds one of them as well, the process is only counted.
pub fn print_holders<'a>(
    snapshot: &Snapshot,
    sockets: impl Iterator<Item = &'a SocketEntry>,
    stop: bool,
) {
    let processes = &snapshot.processes;
    let mut holds = vec![false; processes.len()];
    let start = if stop { "    stop " } else { "        " };
    let (mut heads, mut children) = (0, 0);

    for holder in sockets.flat_map(|entry| &entry.holders) {
        holds[holder.process] = true;
    }
    let holding = || processes.iter().zip(&holds).filter(|(_, holds)| **holds);
    for (process, _) in holding() {
        if holding().any(|(other, _)| other.pid == process.parent && other.pid != 1) {
            children += 1;
            continue;
        }
        heads += 1;
        if stop && process.pid == 1 {
            out!("    stop process 1's socket unit (systemctl list-sockets) or container\n");
        } else if heads <= PROCESSES_MAX {
            print_process(start, process);
        }
        if stop && process.suspended && heads <= PROCESSES_MAX {
            out!("        it is suspended: kill -CONT it as well, or kill -KILL\n");
        }
    }
    if heads > PROCESSES_MAX {
        out!("{start}more processes: {}\n", heads - PROCESSES_MAX);
    }
    if children > 0 {
        let again = ["", "; if they remain, run explain again"][usize::from(stop)];
        out!("        and child processes: {children}{again}\n");
    }
}

/// Prints sockets of one group in one line, and below it their holders, or why there is none.
fn print_group(snapshot: &Snapshot, sockets: &[SocketEntry]) {
    let entry = &sockets[0];
    let (_, state) = STATES[entry.state as usize - 1];
    let peer = match entry.state {
        _ if sockets.len() > 1 => format!("{} sockets", sockets.len()),
        TcpState::Listen | TcpState::Close => "-".into(),
        _ => format_endpoint(&entry.peer).to_string(),
    };
    let probably = ["", "probably "][usize::from(entry.inferred)];
    let reuseaddr = ["unknown", "off", "on"][entry.reuseaddr.map_or(0, |on| 1 + usize::from(on))];

    out!(
        "    {state:<11}  {:<15}  {peer:<15}  ",
        format_endpoint(&entry.local)
    );
    out!("SO_REUSEADDR {probably}{reuseaddr}");
    if entry.reuseport == Some(true) {
        out!(", SO_REUSEPORT {probably}on");
    }
    if entry.v6only == Some(true) {
        out!(", v6only");
    }
    if entry.device != 0 {
        let mut device = [0; IF_NAMESIZE];
        // SAFETY: `device` has room for IF_NAMESIZE bytes.
        unsafe { libc::if_indextoname(entry.device, device.as_mut_ptr()) };
        // SAFETY: `device` ends in a NUL, even if the device no longer exists.
        let name = unsafe { CStr::from_ptr(device.as_ptr()) };
        out!(", only on %{}", printable(name.to_bytes()));
    }
    if entry.outgoing {
        out!(", probably outgoing");
    }
    if let Some(seconds) = sockets.iter().filter_map(|entry| entry.seconds).max() {
        out!(", {seconds} s left");
    }
    out!("\n");
    if has_unseen_holder(entry) {
        let user = user_name(entry.uid);
        out!("        process not found (user {user})\n");
    } else if is_unaccepted(entry) {
        out!("        not accepted yet by the listener\n");
    } else if entry.inode == 0 {
        out!("        no process\n");
    }
    print_holders(snapshot, sockets.iter(), false);
}

/// Prints the sockets, in groups unless `all`.
pub fn print_sockets(snapshot: &Snapshot, all: bool) {
    let count = snapshot.sockets.iter().filter(|entry| !entry.udp).count();
    let (tcp, udp) = snapshot.sockets.split_at(count);
    let same = |left: &SocketEntry, right: &SocketEntry| compare_groups(left, right).is_eq();
    let (port, mut left) = (snapshot.port, count);

    if count > 0 {
        out!("\nSockets on port {port}:\n");
    } else if snapshot.diag_error.is_none() {
        out!("No TCP socket uses port {port} in this network namespace. If bind fails, the\n");
        out!("server is in another one, or binds the port twice: to 0.0.0.0 and to [::].\n");
    }
    let groups = tcp.chunk_by(|left, right| !all && same(left, right));
    for group in groups.take(if all { count } else { ROWS_MAX }) {
        print_group(snapshot, group);
        left -= group.len();
    }
    if left > 0 {
        out!("    more sockets: {left}; --all lists them\n");
    }
    if !udp.is_empty() {
        out!("UDP uses this port too, which does not conflict with TCP.\n");
        print_holders(snapshot, udp.iter(), false);
    }
}

/// Prints what could not be read, and what would help.
pub fn print_notes(snapshot: &Snapshot) {
    let remedy = ["run explain as root", "that needs CAP_SYS_PTRACE"][usize::from(own_uid() == 0)];
    let incomplete = |entry: &SocketEntry| may_have_hidden_holder(snapshot, entry);
    let is_unread = |entry: &SocketEntry| entry.reuseaddr.is_none() && !entry.holders.is_empty();
    let unread = snapshot.sockets.iter().any(is_unread);

    if let Some(error) = snapshot.diag_error {
        out!("The sockets cannot be listed (sock_diag: {error}).\n");
    }
    if let Some(error) = snapshot.proc_error {
        out!("The processes cannot be listed (/proc: {error}); is it mounted?\n");
    } else if snapshot.sockets.iter().any(incomplete) {
        out!("Some processes cannot be inspected: {remedy}.\n");
    } else if snapshot.sockets.iter().any(has_unseen_holder) {
        out!("No process here holds the socket. It may belong to another PID namespace (a\n");
        out!("container) or to the kernel, or be in flight over a UNIX socket (SCM_RIGHTS).\n");
    }
    if snapshot.foreign {
        out!("/proc shows another PID namespace; its pids are not valid here.\n");
    }
    if let Some(error) = snapshot.getfd_error.filter(|_| unread) {
        out!("Options cannot be read (pidfd_getfd: {error}).\n");
    }
}
