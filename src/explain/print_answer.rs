//! Prints whether the port is free, why not, and what helps.
//! C counterpart: `c-reference/explain/print_answer.c`.

use crate::address::format_endpoint;
use crate::conflict::TcpState;
use crate::explain::print_sockets::print_holders;
use crate::explain::snapshot::*;
use crate::sock::own_uid;
use libc::{EACCES, EADDRINUSE, uid_t};

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
                    "is in use. A server that sets SO_REUSEADDR cannot bind it, but one run by {} \
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
        "connections that are probably outgoing, from this port",
    ];
    let mut counts = [0; 4];

    for entry in snapshot.sockets.iter().filter(|entry| entry.blocks) {
        let reason = match entry.reuseaddr {
            _ if entry.state == TcpState::Listen => 0,
            _ if entry.outgoing => 3,
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
    let lacks = |entry: &SocketEntry| {
        entry.reuseaddr == Some(false) && entry.state != TcpState::Listen && !entry.outgoing
    };
    let lacking = blocking().any(lacks);
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
        // The peer can close in the last second: 60 s of TIME_WAIT. Allow 6 s for each timer.
        TcpState::FinWait2 => entry.seconds.unwrap_or(0) + 72,
        _ => entry.seconds.unwrap_or(0) + 6,
    });
    let wait = format!("wait {} s at most", seconds.max().unwrap_or(0));
    let destroy = match held || sending {
        true => "or close these connections, as root: ss -K -t state connected sport = :",
        false => "or, as root: ss -K -t state time-wait state fin-wait-2 sport = :",
    };
    let destroy = format!("{destroy}{port}");
    let reserve =
        format!("next time, reserve the port: add {port} to net.ipv4.ip_local_reserved_ports");
    #[rustfmt::skip]
    let advice: [(bool, &str); 16] = [
        (unseen, "stop the process that holds the socket (not found)"),
        (held, "    let its peers close first; else wait 130 s, or minutes if a peer is gone"),
        (incomplete && own_uid() != 0,
         "run explain as root, which shows all processes that hold the sockets"),
        (snapshot.denied, "bind as root, or with CAP_NET_BIND_SERVICE"),
        (tried == Some(EACCES) && !snapshot.denied,
         "allow the bind in the security policy (in SELinux: name_bind)"),
        (tried == Some(EADDRINUSE) && !blocked,
         "run explain again: no conflicting socket was found"),
        (with == Conflict::No && without != Conflict::No, "set SO_REUSEADDR before bind"),
        (with == Conflict::Maybe && remaining,
         "set SO_REUSEADDR before bind, and start the server; if bind still fails:"),
        (sending, "wait until peers acknowledge the last data, or TCP gives up (minutes)"),
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

/// Prints whether the port is free, why not, and what helps.
pub fn print_answer(snapshot: &Snapshot) {
    print_targets(snapshot);
    print_reasons(snapshot);
    print_advice(snapshot);
}
