//! Takes a snapshot: lists sockets and holders, tries to bind, and lists again.
//! C counterpart: `c-reference/explain/collect.c`.

use crate::address::Endpoint;
use crate::explain::procfs::{find_holders, read_port_range};
use crate::explain::snapshot::{Snapshot, SocketEntry};
use crate::explain::sock_diag::find_sockets;
use crate::sock::{bind_socket, close_fd, open_socket};
use errno::Errno;
use std::cmp::Ordering;
use std::mem;

/// Binds a new socket to `endpoint` and closes it. Returns the error of bind(2), if any.
fn trial_bind(endpoint: &Endpoint, reuseaddr: bool) -> Option<Errno> {
    let s = open_socket(endpoint.family, false, reuseaddr, false);
    let error = bind_socket(s, endpoint).err();
    close_fd(s);
    error
}

fn by_cookie(left: &SocketEntry, right: &SocketEntry) -> Ordering {
    left.cookie.cmp(&right.cookie)
}

/// Lists the sockets again. Keeps what is known of those that are still there, and nothing else.
fn update_sockets(snapshot: &mut Snapshot) {
    let mut now = Snapshot {
        port: snapshot.port,
        ..Snapshot::default()
    };

    find_sockets(&mut now);
    snapshot.diag_error = snapshot.diag_error.or(now.diag_error);
    let old = &mut snapshot.sockets;
    old.sort_by(by_cookie);
    now.sockets.retain_mut(|entry| {
        let Ok(index) = old.binary_search_by(|known| by_cookie(known, entry)) else {
            return false;
        };
        let known = &mut old[index];
        entry.reuseaddr = known.reuseaddr;
        entry.reuseport = known.reuseport;
        entry.v6only = entry.v6only.or(known.v6only);
        if entry.inode == known.inode {
            entry.holders = mem::take(&mut known.holders);
        }
        true
    });
    snapshot.sockets = now.sockets;
}

/// Returns a snapshot of `endpoint`'s port, with the results of the trial binds on `endpoint`.
pub fn collect(endpoint: &Endpoint) -> Snapshot {
    let mut snapshot = Snapshot {
        port: endpoint.port,
        ..Snapshot::default()
    };

    find_sockets(&mut snapshot);
    find_holders(&mut snapshot);
    snapshot.bind_errors = [false, true].map(|reuseaddr| trial_bind(endpoint, reuseaddr));
    update_sockets(&mut snapshot);
    read_port_range(&mut snapshot);
    snapshot
}
