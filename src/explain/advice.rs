//! Derives advice from a snapshot and its predictions.
//! C counterpart: `c-reference/explain/advice.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::explain::prediction::{Conflict, Prediction, bind_fails, predict_one};
use crate::explain::snapshot::{Remark, Snapshot, SocketEntry, add_id, find_remark, is_unaccepted};
use errno::Errno;
use libc::{EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL};

/// Returns the advice for a socket that conflicts.
fn find_advice(entry: &SocketEntry) -> &'static str {
    match entry.state {
        _ if is_unaccepted(entry) => "stop the listener, which closes this too",
        // In CLOSE_WAIT the peer has closed first, so TIME_WAIT is on its side.
        TcpState::Listen | TcpState::SynSent | TcpState::CloseWait => "stop %s",
        TcpState::Close => "stop %s, or have it set SO_REUSEADDR",
        TcpState::Established => "let the peer close, then stop %s (else wait up to 120 s)",
        TcpState::TimeWait => "wait %s s (TIME_WAIT)",
        TcpState::LastAck => "wait until the peer acknowledges, or until the kernel gives up",
        // FIN_WAIT1, FIN_WAIT2, CLOSING
        _ if entry.seconds.is_some() => {
            "wait %s s (FIN_WAIT2); if the peer closes, 60 s from then (TIME_WAIT)"
        }
        _ if entry.inode != 0 => "stop %s, then wait until 60 s after the peer closes",
        _ => "wait until 60 s after the peer closes, or until the kernel gives up",
    }
}

/// Adds the advice that concerns existing socket `number`.
fn advise_on_socket(snapshot: &Snapshot, number: usize, advice: &mut Vec<Remark>) {
    let entry = &snapshot.sockets[number - 1];
    let remark = find_remark(advice, find_advice(entry));

    add_id(&mut remark.sockets, number);
    remark.seconds = remark.seconds.max(entry.seconds);
    for holder in &entry.holders {
        add_id(
            &mut remark.pids,
            snapshot.processes[holder.process].pid as usize,
        );
    }
}

/// Returns the advice for a server that sets SO_REUSEADDR and binds to `endpoint`.
pub fn derive_advice(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    without: &Prediction,
    with: &Prediction,
) -> Vec<Remark> {
    let mut advice = Vec::new();
    let mut bound = false; // whether a socket conflicts that does not listen
    let mut connected = false; // whether it is a connection
    let mut add = |text| {
        find_remark(&mut advice, text);
    };

    match with.error {
        Some(Errno(EACCES)) => add("bind as root, or with CAP_NET_BIND_SERVICE"),
        Some(Errno(EADDRNOTAVAIL)) => {
            add("bind to an address of this machine; ip address lists them");
        }
        Some(Errno(EINVAL)) => add("bind to an address that is neither multicast nor link-local"),
        _ => {}
    }
    if !bind_fails(with) {
        if bind_fails(without) {
            add("set SO_REUSEADDR before bind");
        }
        return advice;
    }
    for (index, entry) in snapshot.relevant().iter().enumerate() {
        if predict_one(entry, endpoint, true) == Conflict::No {
            continue;
        }
        advise_on_socket(snapshot, index + 1, &mut advice);
        if entry.state != TcpState::Listen && !is_unaccepted(entry) {
            bound = true;
            connected |= entry.state != TcpState::Close;
        }
    }
    if advice.is_empty() && with.error == Some(Errno(EADDRINUSE)) {
        let text = "stop the process that holds it; as root, ss -tanp may show it";
        find_remark(&mut advice, text);
    }
    if bound {
        let text = "next time: set SO_REUSEADDR before bind in every program that uses the port";
        find_remark(&mut advice, text);
    }
    if connected && (snapshot.first_port..=snapshot.last_port).contains(&snapshot.port) {
        let text = "or choose a port outside the ephemeral range (%s)";
        find_remark(&mut advice, text);
    }
    advice
}
