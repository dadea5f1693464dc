//! Predicts the result of bind(2) from a snapshot, by the rule in `conflict.rs`.
//! C counterpart: `c-reference/explain/prediction.c`.

use crate::address::Endpoint;
use crate::conflict::{TcpSocket, TcpState, conflicts};
use crate::explain::snapshot::{Remark, Snapshot, SocketEntry, add_id, find_remark};
use errno::Errno;
use libc::{EACCES, EADDRINUSE};

/// Whether existing sockets conflict with the new socket. Unknown options leave it open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    No,
    Maybe,
    Yes,
}

/// The prediction for one bind(2), beside the result of the trial.
pub struct Prediction {
    /// SO_REUSEADDR of the new socket.
    pub reuseaddr: bool,
    /// Of all sockets together.
    pub conflict: Conflict,
    /// Error of the trial.
    pub error: Option<Errno>,
    /// For the conflicts.
    pub reasons: Vec<Remark>,
}

/// Applies the rule, with the options that cannot be read taken as `unknown`.
fn conflicts_if(entry: &SocketEntry, new: &TcpSocket, unknown: bool) -> bool {
    let existing = TcpSocket {
        state: entry.state,
        family: entry.local.family,
        address: entry.local.address,
        v6only: entry.v6only.unwrap_or(unknown),
        reuseaddr: entry.reuseaddr.unwrap_or(unknown),
        reuseport: false,
        uid: 0,
    };
    conflicts(&existing, new)
}

/// Predicts whether `entry`'s socket conflicts with a new socket on `endpoint`.
pub fn predict_one(entry: &SocketEntry, endpoint: &Endpoint, reuseaddr: bool) -> Conflict {
    let new = TcpSocket {
        state: TcpState::Close,
        family: endpoint.family,
        address: endpoint.address,
        v6only: false,
        reuseaddr,
        reuseport: false,
        uid: 0,
    };

    // Setting an option of the existing socket can remove a conflict, but not cause one.
    if !conflicts_if(entry, &new, false) {
        Conflict::No
    } else if conflicts_if(entry, &new, true) {
        Conflict::Yes
    } else {
        Conflict::Maybe
    }
}

/// Returns why `entry`'s socket conflicts or may conflict. `decisive`: it alone decides the result.
fn find_reason(
    entry: &SocketEntry,
    endpoint: &Endpoint,
    prediction: &Prediction,
    decisive: bool,
) -> &'static str {
    if predict_one(entry, endpoint, prediction.reuseaddr) == Conflict::Yes {
        return match entry.state {
            TcpState::Listen => "is listening (C1)",
            _ if prediction.reuseaddr => "lacks SO_REUSEADDR (C2)",
            _ => "conflicts because the new socket lacks SO_REUSEADDR (C2)",
        };
    }

    // If SO_REUSEADDR is the only unknown, the result of the trial may reveal it.
    let off = SocketEntry {
        reuseaddr: Some(false),
        ..entry.clone()
    };
    if predict_one(&off, endpoint, prediction.reuseaddr) != Conflict::Yes {
        return "may lack IPV6_V6ONLY, which cannot be read";
    }
    match prediction.error {
        None => "has SO_REUSEADDR, as the result shows",
        Some(Errno(EADDRINUSE)) if decisive => "lacks SO_REUSEADDR, as the result shows (C2)",
        Some(_) => "may lack SO_REUSEADDR, which cannot be read (C2)",
    }
}

/// Predicts the result of bind(2) on `endpoint` from the sockets of the snapshot.
pub fn predict(snapshot: &Snapshot, endpoint: &Endpoint, reuseaddr: bool) -> Prediction {
    let mut prediction = Prediction {
        reuseaddr,
        conflict: Conflict::No,
        error: snapshot.bind_errors[usize::from(reuseaddr)],
        reasons: Vec::new(),
    };
    let mut unknown = 0; // sockets that may conflict

    // A socket that is not listed may conflict.
    if snapshot.diag_error.is_some() {
        prediction.conflict = Conflict::Maybe;
        unknown += 1;
    }
    for entry in snapshot.relevant() {
        let one = predict_one(entry, endpoint, reuseaddr);
        prediction.conflict = prediction.conflict.max(one);
        unknown += usize::from(one == Conflict::Maybe);
    }

    let decisive = prediction.conflict == Conflict::Maybe && unknown == 1;
    for (index, entry) in snapshot.relevant().iter().enumerate() {
        if predict_one(entry, endpoint, reuseaddr) != Conflict::No {
            let text = find_reason(entry, endpoint, &prediction, decisive);
            add_id(
                &mut find_remark(&mut prediction.reasons, text).sockets,
                index + 1,
            );
        }
    }
    prediction
}

/// Returns whether the result of the trial contradicts the prediction.
pub fn is_wrong(prediction: &Prediction) -> bool {
    match prediction.error {
        None => prediction.conflict == Conflict::Yes,
        Some(error) => error.0 == EADDRINUSE && prediction.conflict == Conflict::No,
    }
}

/// Returns whether bind(2) fails, for a user who may bind the port.
pub fn bind_fails(prediction: &Prediction) -> bool {
    // EACCES concerns the user and the port (below 1024), not the sockets.
    if prediction.error == Some(Errno(EACCES)) {
        return prediction.conflict != Conflict::No;
    }
    prediction.error.is_some()
}
