//! Takes a snapshot: lists the sockets, finds their holders, and with `--try` binds.
//! C counterpart: `c-reference/explain/collect.c`.

use crate::address::{Endpoint, is_wildcard};
use crate::explain::procfs::{find_holders, may_bind_every_port, read_numbers, read_options};
use crate::explain::snapshot::*;
use crate::explain::sock_diag::find_sockets;
use crate::sock::{bind_socket, close_fd, set_option};
use errno::{Errno, errno};
use libc::{
    AF_INET, EACCES, EADDRINUSE, EAFNOSUPPORT, IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP, SO_REUSEADDR,
    SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, c_int,
};

/// Binds a new socket with this option to `endpoint`, and closes it. Without a port, it binds only
/// if the address is not `::`. Returns 0, or the errno of the call that failed.
fn try_bind(endpoint: &Endpoint, level: c_int, option: c_int, value: bool) -> c_int {
    let mut error = 0;

    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(endpoint.family, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if s == -1 {
        return errno().0;
    }
    if endpoint.port != 0 || !is_wildcard(endpoint.address) {
        set_option(s, level, option, value.into());
        error = bind_socket(s, endpoint).map_or_else(|error| error.0, |()| 0);
    }
    close_fd(s);
    error
}

/// Returns `endpoint` as a target, and tests whether its address exists, as 127.0.0.0/8 does. This
/// bind takes no port.
fn make_target(endpoint: &Endpoint) -> Target {
    let mut error = 0;
    let mut no_port = *endpoint;

    no_port.port = 0;
    if endpoint.family != AF_INET || endpoint.address.octets()[12] != 127 {
        error = try_bind(&no_port, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
    }
    Target {
        endpoint: *endpoint,
        error: (error != 0).then_some(Errno(error)),
        trials: [None; 2],
        results: [Conflict::No; 2],
    }
}

/// Lists the sockets again, and removes those that were not read because they no longer exist.
fn leave_out_closed(snapshot: &mut Snapshot) {
    let mut now = Snapshot {
        port: snapshot.port,
        ..Snapshot::default()
    };

    find_sockets(&mut now);
    snapshot.diag_error = now.diag_error;
    now.sockets.sort_by_key(|entry| entry.inode);
    let exists = |inode| {
        now.sockets
            .binary_search_by_key(&inode, |entry| entry.inode)
            .is_ok()
    };
    let is_read = |entry: &SocketEntry| entry.inode == 0 || entry.reuseaddr.is_some();
    let count = snapshot.sockets.len();
    snapshot
        .sockets
        .retain(|entry| now.diag_error.is_some() || is_read(entry) || exists(entry.inode));
    snapshot.changed = snapshot.sockets.len() < count;
}

/// Returns a snapshot of the endpoints' port. Sockets that are closed meanwhile set `changed` and are
/// left out, but not if `last`.
pub fn collect(endpoints: &[Endpoint], last: bool) -> Snapshot {
    let mut snapshot = Snapshot {
        port: endpoints[0].port,
        ..Snapshot::default()
    };
    let is_unread =
        |entry: &SocketEntry| !entry.udp && entry.inode != 0 && entry.reuseaddr.is_none();

    find_sockets(&mut snapshot);
    find_holders(&mut snapshot, false);
    read_options(&mut snapshot);
    if !last && snapshot.sockets.iter().any(is_unread) {
        leave_out_closed(&mut snapshot);
    }
    if snapshot.sockets.iter().any(has_unseen_holder) && (is_root() || !snapshot.hidden) {
        find_holders(&mut snapshot, true);
        read_options(&mut snapshot);
    }
    for endpoint in endpoints {
        let target = make_target(endpoint);
        // A port without an address includes [::], if there is IPv6.
        if target.error != Some(Errno(EAFNOSUPPORT)) || endpoints.len() == 1 {
            snapshot.targets.push(target);
        }
    }
    snapshot.ephemeral = read_numbers("ip_local_port_range");
    let [unprivileged, _] = read_numbers("ip_unprivileged_port_start");
    snapshot.denied = snapshot.port < unprivileged && !may_bind_every_port();
    snapshot
}

/// Binds to each target's port: first with SO_REUSEADDR and, if that succeeds, without it, which
/// conflicts with any server that binds at that instant.
pub fn try_targets(snapshot: &mut Snapshot) {
    for target in &mut snapshot.targets {
        if target.error.is_some() {
            continue;
        }
        let error = try_bind(&target.endpoint, SOL_SOCKET, SO_REUSEADDR, true);
        target.trials[1] = Some(error);
        if error == 0 {
            let without = try_bind(&target.endpoint, SOL_SOCKET, SO_REUSEADDR, false);
            target.trials[0] = Some(without);
        }
        target.error = (![0, EACCES, EADDRINUSE].contains(&error)).then_some(Errno(error));
    }
}
