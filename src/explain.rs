//! Diagnosis of EADDRINUSE: whether a server can bind a port, why not, and what helps.
//!
//! The data flows one way: collect a snapshot, predict, print. A snapshot lists the sockets, their
//! holders and options. If a holder is not found or a socket is closed meanwhile, it takes another
//! snapshot, up to five in all.
//!
//! "Free" refers to a server that sets SO_REUSEADDR, not IPV6_V6ONLY or SO_BINDTODEVICE. Limits:
//!
//! - Holders and options of other users' sockets are visible to root only (with CAP_SYS_PTRACE).
//! - The options of a socket without a process are inferred from the listeners on its address.
//! - Only the network namespace of `explain` itself is seen. Bound sockets that do not listen are
//!   listed since Linux 6.8. Reading options requires 5.6, or 6.9 for a thread with its own table.
//! - A socket stays open while `explain` has a copy of its descriptor, to read the options.
//!
//! C counterpart: `c-reference/explain.c`.

mod prediction;
mod print_answer;
mod print_sockets;
mod procfs;
mod snapshot;
mod sock_diag;

use crate::address::Endpoint;
use crate::output::{hold_output, report_error, write_held};
use crate::sock::{bind_socket, close_fd, set_option};
use errno::{Errno, errno};
use libc::{
    EACCES, EADDRINUSE, EAFNOSUPPORT, EPIPE, IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP, SO_REUSEADDR,
    SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, c_int,
};
use prediction::predict;
use print_answer::print_answer;
use print_sockets::{print_notes, print_sockets};
use procfs::{find_holders, may_bind_every_port, read_numbers, read_options};
use snapshot::*;
use sock_diag::find_sockets;
use std::collections::HashSet;

/// Exit statuses besides 0 (free) and 2 (wrong usage).
const IN_USE: c_int = 1;
const UNDETERMINED: c_int = 3;

/// Maximum number of snapshots. Sockets can be opened and closed while one is taken.
const SNAPSHOTS_MAX: usize = 5;

/// Binds a new socket with this option to `endpoint`, and closes it. Returns the errno of the call
/// that failed, or 0.
fn try_bind(endpoint: &Endpoint, level: c_int, option: c_int, value: bool) -> c_int {
    // SAFETY: no pointers; any argument value is safe.
    let s = unsafe { libc::socket(endpoint.family, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    if s == -1 {
        return errno().0;
    }
    set_option(s, level, option, value.into());
    let result = bind_socket(s, endpoint);
    close_fd(s);
    result.map_or_else(|error| error.0, |()| 0)
}

/// Returns a snapshot without sockets. Its targets are the endpoints, which have the same port.
fn find_targets(endpoints: &[Endpoint]) -> Snapshot {
    let [unprivileged, _] = read_numbers("ip_unprivileged_port_start");
    let port = endpoints[0].port;
    let mut snapshot = Snapshot {
        port,
        ephemeral: read_numbers("ip_local_port_range"),
        denied: port < unprivileged && !may_bind_every_port(),
        ..Snapshot::default()
    };

    for &endpoint in endpoints {
        // Test whether the address exists. This bind takes no port.
        let no_port = Endpoint {
            port: 0,
            ..endpoint
        };
        let error = try_bind(&no_port, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
        // A port without an address includes [::], if there is IPv6.
        if error != EAFNOSUPPORT || endpoints.len() == 1 {
            snapshot.targets.push(Target {
                endpoint,
                error: (error != 0).then_some(Errno(error)),
                trial: None,
                results: [Conflict::No; 2],
            });
        }
    }
    snapshot
}

/// Lists the sockets again, and removes those that no longer exist. Sets `changed` if it does.
fn leave_out_closed(snapshot: &mut Snapshot) {
    let mut now = Snapshot {
        port: snapshot.port,
        ..Snapshot::default()
    };
    let count = snapshot.sockets.len();

    find_sockets(&mut now);
    if now.diag_error.is_none() {
        let inodes: HashSet<u64> = now.sockets.iter().map(|entry| entry.inode).collect();
        let exists = |entry: &SocketEntry| entry.inode == 0 || inodes.contains(&entry.inode);
        snapshot.sockets.retain(exists);
    }
    snapshot.changed |= snapshot.sockets.len() < count;
}

/// Replaces the sockets and processes of the snapshot by those that exist now.
fn collect(snapshot: &mut Snapshot) {
    let is_unread =
        |entry: &SocketEntry| !entry.udp && entry.inode != 0 && entry.reuseaddr.is_none();

    snapshot.sockets.clear();
    snapshot.processes.clear();
    (snapshot.changed, snapshot.hidden, snapshot.proc_error) = (false, false, None);
    find_sockets(snapshot);
    find_holders(snapshot, false);
    read_options(snapshot);
    if snapshot.sockets.iter().any(is_unread) {
        leave_out_closed(snapshot);
    }
    if may_find_holder(snapshot) {
        find_holders(snapshot, true);
        read_options(snapshot);
    }
}

/// Binds to each target's port with SO_REUSEADDR. A server without the option that binds at that
/// instant fails.
fn try_targets(snapshot: &mut Snapshot) {
    for target in &mut snapshot.targets {
        if target.error.is_some() {
            continue;
        }
        let error = try_bind(&target.endpoint, SOL_SOCKET, SO_REUSEADDR, true);
        target.trial = Some(error);
        target.error = (![0, EACCES, EADDRINUSE].contains(&error)).then_some(Errno(error));
    }
}

/// Returns the exit status: 0 if a server that sets SO_REUSEADDR can bind to each target.
fn exit_status(snapshot: &Snapshot) -> c_int {
    match worst_result(snapshot, true) {
        Conflict::Yes => IN_USE,
        Conflict::No if snapshot.targets.iter().all(|target| target.error.is_none()) => 0,
        _ => UNDETERMINED,
    }
}

/// Prints whether a server can bind to `endpoints`, which have the same port, why not, what helps,
/// and the sockets and processes that use the port: each socket if `all`. Binds to them if `trial`.
/// Returns the exit status.
pub fn explain(endpoints: &[Endpoint], trial: bool, all: bool) -> c_int {
    let mut snapshot = find_targets(endpoints);

    for _ in 0..SNAPSHOTS_MAX {
        collect(&mut snapshot);
        predict(&mut snapshot);
        // If the port is in use anyway, a closed socket does not matter.
        let changed = snapshot.changed && worst_result(&snapshot, true) != Conflict::Yes;
        // A socket can move to a process that was already read.
        if !changed && !may_find_holder(&snapshot) {
            break;
        }
    }
    if trial {
        try_targets(&mut snapshot);
        predict(&mut snapshot);
    }

    hold_output();
    print_answer(&snapshot);
    print_sockets(&snapshot, all);
    print_notes(&snapshot);
    match write_held() {
        Ok(()) | Err(Errno(EPIPE)) => exit_status(&snapshot), // a reader may stop, as head(1) does
        Err(reason) => {
            report_error("write", "standard output", reason);
            UNDETERMINED
        }
    }
}
