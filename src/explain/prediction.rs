//! Predicts the result of bind(2) from a snapshot, by the rule in `conflict.rs`.
//! C counterpart: `c-reference/explain/prediction.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::explain::snapshot::*;
use libc::EADDRINUSE;

/// Returns a socket without SO_REUSEPORT.
fn make_socket(state: TcpState, at: &Endpoint, reuseaddr: bool, v6only: bool) -> TcpSocket {
    TcpSocket {
        state,
        family: at.family,
        address: at.address,
        v6only,
        reuseaddr,
        reuseport: false,
        uid: 0,
        device: 0,
        orphan: false,
    }
}

/// Applies the rule, with these values for SO_REUSEADDR and IPV6_V6ONLY if they are unknown.
fn conflicts_if(entry: &SocketEntry, new: &TcpSocket, reuseaddr: bool, v6only: bool) -> bool {
    let reuseaddr = entry.reuseaddr.unwrap_or(reuseaddr);
    let v6only = entry.v6only.unwrap_or(v6only);
    let mut existing = make_socket(entry.state, &entry.local, reuseaddr, v6only);
    existing.orphan = entry.inode == 0;
    conflicts(&existing, new)
}

/// Predicts whether `entry`'s socket conflicts with a new socket on `endpoint`.
fn predict_one(entry: &SocketEntry, endpoint: &Endpoint, reuseaddr: bool) -> Conflict {
    let new = make_socket(TcpState::Close, endpoint, reuseaddr, false);

    // Setting an option of the existing socket can remove a conflict, but not cause one.
    if !conflicts_if(entry, &new, false, false) {
        Conflict::No
    } else if conflicts_if(entry, &new, true, true) {
        Conflict::Yes
    } else {
        Conflict::Maybe
    }
}

/// Infers the options of sockets that no process holds from the listeners on their address, if
/// these agree. Connections are not used: an outgoing one can have this address. With no listener
/// there, a connection from an ephemeral to a non-ephemeral port is probably outgoing.
fn infer_options(snapshot: &mut Snapshot) {
    let [first, last] = snapshot.ephemeral;
    let is_ephemeral = |port| first <= port && port <= last;
    let is_listener = |entry: &SocketEntry| entry.state == TcpState::Listen;

    snapshot.sockets.sort_by_key(|entry| !is_listener(entry));
    let count = snapshot.sockets.partition_point(is_listener);
    let (listeners, others) = snapshot.sockets.split_at_mut(count);
    for entry in others {
        let covers = |model: &&SocketEntry| predict_one(model, &entry.local, true) == Conflict::Yes;
        let models = listeners.iter().filter(covers);
        let options = models.map(|model| (model.reuseaddr, model.reuseport));
        let mut options: Vec<_> = options.collect();
        let is_client = is_ephemeral(snapshot.port) && !is_ephemeral(entry.peer.port);
        entry.outgoing = is_client && entry.peer.port != 0 && options.is_empty();
        options.dedup();
        if let ([(Some(_), _)], 0) = (&options[..], entry.inode) {
            (entry.reuseaddr, entry.reuseport) = options[0];
            entry.inferred = true;
        }
    }
}

/// Predicts the results of bind(2) for a target. The result of a trial overrides the prediction.
fn predict_target(target: &mut Target, sockets: &mut [SocketEntry], unlisted: Conflict) {
    let mut worst = unlisted;

    for with in [true, false] {
        let trial = target.trial.filter(|_| with);
        let tcp = sockets.iter_mut().filter(|entry| !entry.udp);
        for entry in tcp.filter(|_| trial != Some(0)) {
            let one = predict_one(entry, &target.endpoint, with);
            worst = worst.max(one);
            entry.blocks |= with && one != Conflict::No;
        }
        target.results[usize::from(with)] = match trial {
            Some(0) => Conflict::No,
            Some(EADDRINUSE) => Conflict::Yes,
            _ => worst,
        };
    }
    // A server without the option fails wherever one with it does.
    target.results[0] = target.results[0].max(target.results[1]);
}

/// Predicts the results for all targets, and sorts the sockets.
pub fn predict(snapshot: &mut Snapshot) {
    // A socket that is not listed may conflict.
    let incomplete = snapshot.diag_error.is_some() || snapshot.changed;
    let unlisted = [Conflict::No, Conflict::Maybe][usize::from(incomplete)];

    infer_options(snapshot);
    for entry in &mut snapshot.sockets {
        entry.blocks = false;
    }
    for target in &mut snapshot.targets {
        if target.error.is_none() {
            predict_target(target, &mut snapshot.sockets, unlisted);
        }
    }
    snapshot.sockets.sort_by(by_group);
}
