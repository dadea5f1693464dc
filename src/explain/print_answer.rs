//! Prints whether the port is free, why not, and what helps.
//! C counterpart: `c-reference/explain/print_answer.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::print_sockets::print_holders;
use crate::explain::snapshot::*;
use libc::{EACCES, EADDRINUSE, uid_t};

/// Returns the owner of all sockets that block, if these have SO_REUSEPORT: its servers can bind.
fn find_reuseport_user(snapshot: &Snapshot) -> Option<uid_t> {
    let mut blocking = snapshot.sockets.iter().filter(|entry| blocks(entry));
    let user = blocking.clone().next()?.uid;
    let shares = |entry: &SocketEntry| entry.reuseport == Some(true) && entry.uid == user;
    let all_share = blocking.all(|entry| entry.inode != 0 && shares(entry));
    all_share.then_some(user)
}

/// Returns the answer for `target`, without its address.
fn describe_target(snapshot: &Snapshot, target: &Target) -> String {
    let [without, with] = target.results;

    if let Some(error) = target.error {
        return format!("cannot be bound ({error}).");
    }
    match with {
        Conflict::Yes => match find_reuseport_user(snapshot).map(user_name) {
            None => "is in use. A server cannot bind it, even if it sets SO_REUSEADDR.",
            Some(user) => {
                let start = "is in use. A server that sets SO_REUSEADDR cannot bind it";
                return format!("{start}, but one of user {user} that also sets SO_REUSEPORT can.");
            }
        },
        Conflict::Maybe if without == Conflict::Yes => {
            "is in use. A server without SO_REUSEADDR cannot bind it; one that sets it can only if \
             the old program set it too."
        }
        Conflict::Maybe => "may be in use, depending on options that cannot be read.",
        Conflict::No if without == Conflict::No => "is free.",
        _ => "is free for a server that sets SO_REUSEADDR, but not for others.",
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

/// Returns whether `entry`'s socket can remain for some time after its process has ended.
fn lasts(entry: &SocketEntry) -> bool {
    use TcpState::{Close, CloseWait, Listen, SynSent};
    !is_unaccepted(entry) && !matches!(entry.state, Close | CloseWait | Listen | SynSent)
}

/// Prints what helps a server that sets SO_REUSEADDR.
fn print_advice(snapshot: &Snapshot) {
    let blocking = || snapshot.sockets.iter().filter(|entry| blocks(entry));
    let (without, with) = (worst_result(snapshot, false), worst_result(snapshot, true));
    let tried = snapshot
        .targets
        .iter()
        .filter_map(|target| target.trials[1])
        .max();
    let failed = tried == Some(EADDRINUSE);
    let held = blocking().any(|entry| lasts(entry) && entry.inode != 0);
    let remaining = || blocking().filter(|entry| lasts(entry) && entry.inode == 0);
    let seconds = remaining().filter_map(|entry| match entry.state {
        // The peer can close in the last second, which starts the 60 s of TIME_WAIT.
        TcpState::FinWait2 => Some(entry.seconds? + 60),
        _ => entry.seconds,
    });
    let seconds = seconds.max();
    let sending = remaining().any(|entry| entry.seconds.is_none());
    let incomplete = blocking().any(|entry| may_have_hidden_holder(snapshot, entry));
    let [first, last] = snapshot.ephemeral;
    let port = snapshot.port;

    if without >= Conflict::Maybe || tried == Some(EACCES) || snapshot.denied {
        out!("\nWhat helps:\n");
    }
    if snapshot.denied {
        out!("    bind as root, or with CAP_NET_BIND_SERVICE\n");
    } else if tried == Some(EACCES) {
        out!("    allow the bind in the security policy (in SELinux: name_bind)\n");
    }
    if with < Conflict::Maybe {
        if without >= Conflict::Maybe {
            out!("    set SO_REUSEADDR before bind\n");
        }
        return;
    }
    if incomplete && !is_root() {
        out!("    run explain as root, which shows all processes that hold the sockets\n");
    }
    print_holders(snapshot, blocking(), true);
    if blocking().any(has_unseen_holder) {
        out!("    stop the process that holds the socket (not found)\n");
    } else if blocking().next().is_none() && failed {
        out!("    run explain again: it lists no socket that conflicts\n");
    }
    if held {
        out!("        but let its peers close first, or wait 120 s afterwards\n");
    }
    if with == Conflict::Maybe && remaining().next().is_some() {
        out!("    set SO_REUSEADDR before bind, and start the server; if bind still fails:\n");
    }
    if sending {
        out!("    wait until peers have taken the last data, or the kernel gives up (minutes)\n");
    } else if let Some(seconds) = seconds {
        out!("    wait {seconds} s at most\n");
    }
    if held || sending {
        out!("    or close all connections, as root: ss -K -t state connected sport = :{port}\n");
    } else if seconds.is_some() {
        out!("    or, as root: ss -K -t state time-wait state fin-wait-2 sport = :{port}\n");
    } else if blocking().next().is_some() && !incomplete {
        out!("    then a server that sets SO_REUSEADDR can bind at once\n");
    }
    if with == Conflict::Maybe && tried.is_none() {
        out!("    or run explain with --try, which binds the port for an instant\n");
    }
    if blocking().any(|entry| entry.reuseaddr == Some(false) && entry.state != TcpState::Listen) {
        out!("    next time, set SO_REUSEADDR before bind in every program on the port\n");
    }
    if (held || remaining().next().is_some()) && (first..=last).contains(&port) {
        out!("    or exclude the port from the ephemeral range, {first} to {last}:\n");
        out!("        add {port} to the list net.ipv4.ip_local_reserved_ports\n");
    }
}

/// Prints whether the port is free, why not, and what helps.
pub fn print_answer(snapshot: &Snapshot) {
    let certain = |entry: &SocketEntry| entry.conflicts[1] == Conflict::Yes;
    let failed = worst_result(snapshot, true) == Conflict::Yes;
    let lacking = failed && !snapshot.sockets.iter().any(certain);
    let reasons = [
        "listening sockets, which SO_REUSEADDR does not override",
        "sockets without SO_REUSEADDR",
        [
            "sockets whose options cannot be read",
            "sockets, of which at least one lacks SO_REUSEADDR",
        ][usize::from(lacking)],
    ];
    let mut counts = [0; 3];

    print_targets(snapshot);
    for entry in snapshot.sockets.iter().filter(|entry| blocks(entry)) {
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
    print_advice(snapshot);
}
