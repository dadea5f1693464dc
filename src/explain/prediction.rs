//! Predicts the result of bind(2) from a snapshot, by the rule in `conflict.rs`.
//! C counterpart: `c-reference/explain/prediction.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::explain::snapshot::*;
use libc::EADDRINUSE;

/// Applies the rule, with these values for SO_REUSEADDR and IPV6_V6ONLY if they are unknown.
fn conflicts_if(entry: &SocketEntry, new: &TcpSocket, reuseaddr: bool, v6only: bool) -> bool {
    let read = entry.reuseaddr.filter(|_| !entry.inferred);
    let existing = TcpSocket {
        state: entry.state,
        family: entry.local.family,
        address: entry.local.address,
        v6only: entry.v6only.unwrap_or(v6only),
        reuseaddr: read.unwrap_or(reuseaddr),
        reuseport: false,
        uid: 0,
        device: 0,
        orphan: false,
    };
    conflicts(&existing, new)
}

/// Predicts whether `entry`'s socket conflicts with a new socket on `endpoint`.
fn predict_one(entry: &SocketEntry, endpoint: &Endpoint, reuseaddr: bool) -> Conflict {
    let new = TcpSocket {
        state: TcpState::Close,
        family: endpoint.family,
        address: endpoint.address,
        v6only: false,
        reuseaddr,
        reuseport: false,
        uid: 0,
        device: 0,
        orphan: false,
    };

    // Setting an option of the existing socket can remove a conflict, but not cause one.
    if !conflicts_if(entry, &new, false, false) {
        Conflict::No
    } else if conflicts_if(entry, &new, true, true) {
        Conflict::Yes
    } else if conflicts_if(entry, &new, entry.reuseaddr == Some(true), false) {
        Conflict::Maybe
    } else {
        Conflict::ProbablyNot
    }
}

/// Infers the options of sockets that no process holds from the listeners on their address, if
/// these agree. Connections are not used: that of a client can have the same address.
fn infer_options(sockets: &mut [SocketEntry]) {
    let mut count = 0;

    for i in 0..sockets.len() {
        if sockets[i].state == TcpState::Listen {
            sockets.swap(count, i);
            count += 1;
        }
    }
    let (listeners, others) = sockets.split_at_mut(count);
    for entry in others.iter_mut().filter(|entry| entry.inode == 0) {
        let covers = |model: &&SocketEntry| predict_one(model, &entry.local, true) == Conflict::Yes;
        let models = listeners.iter().filter(covers);
        let mut options: Vec<_> = models
            .map(|model| (model.reuseaddr, model.reuseport))
            .collect();
        options.dedup();
        if let [(Some(_), _)] = options[..] {
            (entry.reuseaddr, entry.reuseport) = options[0];
            entry.inferred = true;
        }
    }
}

/// Predicts the results of bind(2) for a target. The result of a trial overrides the prediction.
fn predict_target(target: &mut Target, sockets: &mut [SocketEntry], unlisted: Conflict) {
    target.results[1] = Conflict::No;
    for reuseaddr in [true, false] {
        let of = usize::from(reuseaddr);
        let mut result = unlisted.max(target.results[1]);
        for entry in sockets.iter_mut().filter(|entry| !entry.udp) {
            let mut one = predict_one(entry, &target.endpoint, reuseaddr);
            if target.trials[of] == Some(0) {
                one = Conflict::No;
            }
            result = result.max(one);
            entry.conflicts[of] = entry.conflicts[of].max(one);
        }
        target.results[of] = match target.trials[of] {
            Some(0) => Conflict::No,
            Some(EADDRINUSE) => Conflict::Yes,
            _ => result,
        };
    }
}

/// Predicts the results for all targets, and sorts the sockets.
pub fn predict(snapshot: &mut Snapshot) {
    // A socket that is not listed may conflict.
    let unlisted = [Conflict::No, Conflict::Maybe][usize::from(snapshot.diag_error.is_some())];

    infer_options(&mut snapshot.sockets);
    for entry in &mut snapshot.sockets {
        entry.conflicts = [Conflict::No; 2];
    }
    for target in &mut snapshot.targets {
        if target.error.is_none() {
            predict_target(target, &mut snapshot.sockets, unlisted);
        }
    }
    snapshot.sockets.sort_by(by_group);
}
