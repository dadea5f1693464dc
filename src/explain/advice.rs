//! Derives advice from a snapshot and its predictions.
//! C counterpart: `c-reference/explain/advice.c`.

use crate::address::Endpoint;
use crate::conflict::TcpState;
use crate::explain::prediction::{Conflict, Prediction, bind_fails, predict_one};
use crate::explain::snapshot::{Snapshot, SocketEntry, add_id, is_unaccepted};
use errno::Errno;
use libc::{EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL};
use std::collections::BTreeMap;

/// Kinds of advice, in the order in which they are printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdviceKind {
    // to change the new socket
    BindAsRoot,
    BindLocalAddress,
    BindOtherAddress,
    SetOption,
    // to stop a process
    Stop,
    StopOrSetOption,
    ClosePeerFirst,
    StopAndWait,
    // to wait for a socket without a process
    WaitInTimeWait,
    WaitInFinWait2,
    WaitForPeer,
    WaitForAck,
    ClosesWithListener,
    // to search, and to avoid the problem
    FindHolder,
    SetOptionThere,
    ChooseOtherPort,
}

/// One piece of advice.
#[derive(Default)]
pub struct Advice {
    /// The sockets that it is about, if any.
    pub sockets: Vec<usize>,
    /// The processes that hold them.
    pub pids: Vec<usize>,
    /// The longest time left of them.
    pub seconds: u32,
}

/// The advice that applies.
pub type AdviceByKind = BTreeMap<AdviceKind, Advice>;

/// Returns the advice for a socket that conflicts.
fn find_kind(entry: &SocketEntry) -> AdviceKind {
    match entry.state {
        _ if is_unaccepted(entry) => AdviceKind::ClosesWithListener,
        // In CLOSE_WAIT the peer has closed first, so TIME_WAIT is on its side.
        TcpState::Listen | TcpState::SynSent | TcpState::CloseWait => AdviceKind::Stop,
        TcpState::Close => AdviceKind::StopOrSetOption,
        TcpState::Established => AdviceKind::ClosePeerFirst,
        TcpState::TimeWait => AdviceKind::WaitInTimeWait,
        TcpState::LastAck => AdviceKind::WaitForAck,
        _ if entry.seconds.is_some() => AdviceKind::WaitInFinWait2,
        _ if entry.inode != 0 => AdviceKind::StopAndWait,
        _ => AdviceKind::WaitForPeer,
    }
}

/// Adds the advice that concerns existing socket `number`.
fn advise_on_socket(snapshot: &Snapshot, number: usize, advice: &mut AdviceByKind) {
    let entry = &snapshot.sockets[number - 1];
    let kind = find_kind(entry);

    let one = advice.entry(kind).or_default();
    add_id(&mut one.sockets, number);
    one.seconds = one.seconds.max(entry.seconds.unwrap_or(0));
    for holder in &entry.holders {
        add_id(
            &mut one.pids,
            snapshot.processes[holder.process].pid as usize,
        );
    }

    // SO_REUSEADDR does not help against a listener.
    if entry.state == TcpState::Listen || kind == AdviceKind::ClosesWithListener {
        return;
    }
    advice.entry(AdviceKind::SetOptionThere).or_default();
    if entry.state != TcpState::Close
        && (snapshot.first_port..=snapshot.last_port).contains(&snapshot.port)
    {
        advice.entry(AdviceKind::ChooseOtherPort).or_default();
    }
}

/// Derives the advice for a server that sets SO_REUSEADDR and binds to `endpoint`.
pub fn derive_advice(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    without: &Prediction,
    with: &Prediction,
) -> AdviceByKind {
    let mut advice = BTreeMap::new();
    let mut found = false;

    let kind = match with.error {
        Some(Errno(EACCES)) => Some(AdviceKind::BindAsRoot),
        Some(Errno(EADDRNOTAVAIL)) => Some(AdviceKind::BindLocalAddress),
        Some(Errno(EINVAL)) => Some(AdviceKind::BindOtherAddress),
        _ => None,
    };
    advice.extend(kind.map(|kind| (kind, Advice::default())));
    if !bind_fails(with) {
        if bind_fails(without) {
            advice.entry(AdviceKind::SetOption).or_default();
        }
        return advice;
    }
    for (index, entry) in snapshot.relevant().iter().enumerate() {
        if predict_one(entry, endpoint, true) != Conflict::No {
            advise_on_socket(snapshot, index + 1, &mut advice);
            found = true;
        }
    }
    if !found && with.error == Some(Errno(EADDRINUSE)) {
        advice.entry(AdviceKind::FindHolder).or_default();
    }
    advice
}
