//! Prints whether the port is free, why not, what helps, and the sockets with their processes.
//! C counterpart: `c-reference/explain/print.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::snapshot::*;
use libc::{EACCES, EADDRINUSE, IF_NAMESIZE, STDOUT_FILENO, TIOCGWINSZ, uid_t, winsize};
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
fn print_holders<'a>(
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
            out!("    stop the socket unit or container of process 1: systemctl list-sockets\n");
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
        out!("        and its child processes: {children}{again}\n");
    }
}

/// Returns the owner of the sockets that block, if all of them have or may have SO_REUSEPORT, and
/// whether all have it. Then a server of this user that sets it can bind.
fn find_reuseport_user(snapshot: &Snapshot) -> Option<(uid_t, bool)> {
    let mut blocking = snapshot.sockets.iter().filter(|entry| entry.blocks);
    let user = blocking.clone().find(|entry| entry.inode != 0)?.uid;
    let may_share = |entry: &SocketEntry| {
        entry.reuseport != Some(false) && (entry.inode == 0 || entry.uid == user)
    };
    let shares = |entry: &SocketEntry| entry.reuseport == Some(true) && entry.inode != 0;
    let all_share = blocking.clone().all(shares);
    blocking.all(may_share).then_some((user, all_share))
}

/// Returns the answer for `target`, without its address.
fn describe_target(snapshot: &Snapshot, target: &Target) -> String {
    let [without, with] = target.results;

    if let Some(error) = target.error {
        return format!("cannot be bound ({error}).");
    }
    match with {
        Conflict::Yes => match find_reuseport_user(snapshot) {
            None => "is in use. A server cannot bind it, even if it sets SO_REUSEADDR.",
            Some((user, all_share)) => {
                let condition = [", if the old program set it too", ""][usize::from(all_share)];
                return format!(
                    "is in use. A server that sets SO_REUSEADDR cannot bind it, but one of user {} \
                     that also sets SO_REUSEPORT can{condition}.",
                    user_name(user)
                );
            }
        },
        Conflict::Maybe if without == Conflict::Yes => {
            "is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can only if \
             the old program set it too."
        }
        Conflict::Maybe => "may be in use, depending on options that cannot be read.",
        Conflict::No => match without {
            Conflict::No => "is free.",
            Conflict::Maybe => "is free for a server that sets SO_REUSEADDR.",
            Conflict::Yes => "is free for a server that sets SO_REUSEADDR, but not for others.",
        },
    }
    .into()
}

/// Prints the answer for each target, in one line if they agree.
fn print_targets(snapshot: &Snapshot) {
    let describe = |target| describe_target(snapshot, target);
    let answers: Vec<String> = snapshot.targets.iter().map(describe).collect();
    let end = ["", " This user may not bind it."][usize::from(snapshot.denied)];

    if answers.len() > 1 && answers.iter().all(|answer| *answer == answers[0]) {
        return out!("TCP port {} {}{end}\n", snapshot.port, answers[0]);
    }
    for (target, answer) in snapshot.targets.iter().zip(answers) {
        out!("{} {answer}{end}\n", format_endpoint(&target.endpoint));
    }
}

/// Prints why the port is not free: the number of sockets for each reason.
fn print_reasons(snapshot: &Snapshot) {
    let reasons = [
        "listening sockets, which SO_REUSEADDR does not override",
        "sockets without SO_REUSEADDR",
        "sockets whose options cannot be read",
    ];
    let mut counts = [0; 3];

    for entry in snapshot.sockets.iter().filter(|entry| entry.blocks) {
        let reason = match entry.reuseaddr {
            _ if entry.state == TcpState::Listen => 0,
            Some(false) if !entry.inferred => 1,
            _ => 2,
        };
        counts[reason] += 1;
    }
    for (reason, count) in reasons.iter().zip(counts).filter(|(_, count)| *count > 0) {
        out!("    {reason}: {count}\n");
    }
}

/// Returns whether `entry`'s socket can remain for some time after its process has ended.
fn lasts(entry: &SocketEntry) -> bool {
    use TcpState::{Close, CloseWait, Listen, SynSent};
    !is_unaccepted(entry) && !matches!(entry.state, Close | CloseWait | Listen | SynSent)
}

/// Prints what helps a server that sets SO_REUSEADDR.
fn print_advice(snapshot: &Snapshot) {
    let blocking = || snapshot.sockets.iter().filter(|entry| entry.blocks);
    let (without, with) = (worst_result(snapshot, false), worst_result(snapshot, true));
    let tried = snapshot
        .targets
        .iter()
        .filter_map(|target| target.trial)
        .max();
    let blocked = blocking().next().is_some();
    let unseen = blocking().any(has_unseen_holder);
    let lacking =
        blocking().any(|entry| entry.reuseaddr == Some(false) && entry.state != TcpState::Listen);
    let held = blocking().any(|entry| lasts(entry) && entry.inode != 0);
    let remains = || blocking().filter(|entry| lasts(entry) && entry.inode == 0);
    let remaining = remains().next().is_some();
    let sending = remains().any(|entry| entry.seconds.is_none());
    let incomplete = blocking().any(|entry| may_have_hidden_holder(snapshot, entry));
    let ipv4 = blocking().all(|entry| entry.local.address.to_ipv4_mapped().is_some());
    let is_dual = |target: &Target| target.endpoint.address.is_unspecified();
    let dual = snapshot.targets.iter().all(is_dual);
    let ([first, last], port) = (snapshot.ephemeral, snapshot.port);

    let seconds = remains().map(|entry| match entry.state {
        // The peer can close in the last second: 60 s of TIME_WAIT. Timers are up to 5 s late.
        TcpState::FinWait2 => entry.seconds.unwrap_or(0) + 72,
        _ => entry.seconds.unwrap_or(0) + 6,
    });
    let wait = format!("wait {} s at most", seconds.max().unwrap_or(0));
    let destroy = match held || sending {
        true => "or close all connections, as root: ss -K -t state connected sport = :",
        false => "or, as root: ss -K -t state time-wait state fin-wait-2 sport = :",
    };
    let destroy = format!("{destroy}{port}");
    let reserve =
        format!("next time, keep clients off it: add {port} to net.ipv4.ip_local_reserved_ports");
    #[rustfmt::skip]
    let advice: [(bool, &str); 16] = [
        (unseen, "stop the process that holds the socket (not found)"),
        (held, "    but let its peers close first, or wait: 130 s, or minutes if one is gone"),
        (incomplete && own_uid() != 0,
         "run explain as root, which shows all processes that hold the sockets"),
        (snapshot.denied, "bind as root, or with CAP_NET_BIND_SERVICE"),
        (tried == Some(EACCES) && !snapshot.denied,
         "allow the bind in the security policy (in SELinux: name_bind)"),
        (tried == Some(EADDRINUSE) && !blocked,
         "run explain again: it lists no socket that conflicts"),
        (with == Conflict::No && without != Conflict::No, "set SO_REUSEADDR before bind"),
        (with == Conflict::Maybe && remaining,
         "set SO_REUSEADDR before bind, and start the server; if bind still fails:"),
        (sending, "wait until peers have taken the last data, or the kernel gives up (minutes)"),
        (remaining && !sending, &wait),
        (held || remaining, &destroy),
        (blocked && !held && !remaining && !incomplete,
         "then a server that sets SO_REUSEADDR can bind at once"),
        (with == Conflict::Maybe && tried.is_none(),
         "run explain with --try, which binds the port for an instant"),
        (lacking, "next time, set SO_REUSEADDR before bind in every program on the port"),
        (dual && blocked && ipv4, "or set IPV6_V6ONLY before bind: [::] then excludes IPv4"),
        ((held || remaining) && first <= port && port <= last, &reserve),
    ];

    if without != Conflict::No || tried == Some(EACCES) || snapshot.denied {
        out!("\nWhat helps:\n");
    }
    print_holders(snapshot, blocking(), true);
    for (_, text) in advice.iter().filter(|(applies, _)| *applies) {
        out!("    {text}\n");
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
fn print_sockets(snapshot: &Snapshot, all: bool) {
    let count = snapshot.sockets.iter().filter(|entry| !entry.udp).count();
    let (tcp, udp) = snapshot.sockets.split_at(count);
    let same = |left: &SocketEntry, right: &SocketEntry| compare_groups(left, right).is_eq();
    let (port, mut left) = (snapshot.port, count);

    if count > 0 {
        out!("\nSockets on port {port}:\n");
    } else if snapshot.diag_error.is_none() {
        out!("No TCP socket uses port {port} in this network namespace. A server that still\n");
        out!("fails runs in another one, or binds the port twice: to 0.0.0.0 and to [::].\n");
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
fn print_notes(snapshot: &Snapshot) {
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
        out!("/proc is that of another PID namespace; its pids are not valid here.\n");
    }
    if let Some(error) = snapshot.getfd_error.filter(|_| unread) {
        out!("Options cannot be read (pidfd_getfd: {error}).\n");
    }
}

/// Prints the answer, what helps, the sockets, each of them if `all`, and what could not be read.
pub fn print_snapshot(snapshot: &Snapshot, all: bool) {
    print_targets(snapshot);
    print_reasons(snapshot);
    print_advice(snapshot);
    print_sockets(snapshot, all);
    print_notes(snapshot);
}
